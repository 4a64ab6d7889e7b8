"""Split by group: images whose paths belong together stay in one split.

The frames of one video are nearly equal; spread over two splits, the model would be measured on its training
data.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from typing import Protocol

import re2

from workers.contract.messages import msg

from .errors import InputError

MAX_PATTERN = 200


class Pattern(Protocol):
    def search(self, text: str): ...


def pattern_of(text: str) -> Pattern:
    """Compile the regular expression in ``text``, whose first group (or whole match) names a path's group.

    It is RE2's, which takes time linear in the path's length for any expression. Raises InputError if it is
    invalid.
    """
    if len(text) > MAX_PATTERN:
        raise InputError(
            msg(
                "The pattern of the groups is longer than {max_pattern} characters: shorten it.",
                max_pattern=MAX_PATTERN,
            )
        )
    options = re2.Options()
    options.log_errors = False
    try:
        return re2.compile(text, options=options)
    except re2.error as error:
        reason = error.args[0].decode(errors="replace") if error.args else msg("it does not parse")
        raise InputError(
            msg(
                "The pattern of the groups is no regular expression that can be used here ({reason}): "
                r"write one like ^(.+)_\d+\.jpg$, without look-around and back references.",
                reason=reason,
            )
        ) from error


def group_of(pattern: Pattern, path: str) -> str | None:
    """Return the group of ``path``, or None if the pattern does not match it."""
    match = pattern.search(path)
    if match is None:
        return None
    return match.group(1) if match.re.groups and match.group(1) is not None else match.group(0)


def groups_of(pattern: Pattern, paths: Iterable[str]) -> list[str]:
    """Return a name for each path's group; a path without a match is a group of its own."""
    found = ((group_of(pattern, path), path) for path in paths)
    return ["g:" + group if group is not None else "p:" + path for group, path in found]


def group_split(
    labels: Sequence[Iterable[int]], groups: Sequence[str], fraction: float, seed: int
) -> list[str]:
    """Return "train" or "val" for each image, the same for all of one group.

    ``labels`` are the classes of each image. Groups are drawn by a hash of seed and name, larger ones first,
    and used for validation as long as they bring each class nearer to its ``fraction`` and leave some of it
    for training. Raises InputError if there is no choice.
    """
    sizes = _sizes(labels, groups)
    if len(sizes) < 2:
        raise InputError(
            msg(
                "The pattern puts all images into one group, so nothing would be left to measure with: "
                "choose one that tells the groups apart, or split without groups."
            )
        )
    draw = _Draw(sizes, fraction)
    order = sorted(sizes, key=lambda name: (-sizes[name].total(), _hash(seed, name)))
    for name in order:
        draw.take_if_better(name)
    for name in reversed(order):
        draw.take_if_needed(name)
    if not draw.taken:
        raise InputError(
            msg(
                "The pattern puts all images of each class into one group, so none could be measured with: "
                "choose one that makes smaller groups, or split without groups."
            )
        )
    return ["val" if group in draw.taken else "train" for group in groups]


def _sizes(labels: Sequence[Iterable[int]], groups: Sequence[str]) -> dict[str, Counter[int]]:
    """Return the number of images of each class in every group."""
    sizes: dict[str, Counter[int]] = defaultdict(Counter)
    for classes, group in zip(labels, groups, strict=True):
        sizes[group].update(set(classes) or {-1})
    return sizes


def _hash(seed: int, name: str) -> bytes:
    return hashlib.sha256(f"{seed}:{name}".encode()).digest()


class _Draw:
    """The groups used for validation, and the resulting fraction of each class."""

    def __init__(self, sizes: dict[str, Counter[int]], fraction: float):
        self.taken: set[str] = set()
        self._sizes = sizes
        self._all: Counter[int] = Counter()
        for size in sizes.values():
            self._all.update(size)
        self._wanted = {label: max(1.0, count * fraction) for label, count in self._all.items()}
        self._val: Counter[int] = Counter()

    def _leaves_some(self, size: Counter[int]) -> bool:
        return all(self._val[label] + count < self._all[label] for label, count in size.items())

    def _take(self, name: str) -> None:
        self.taken.add(name)
        self._val.update(self._sizes[name])

    def take_if_better(self, name: str) -> None:
        """Use the group if that reduces the sum of the squared, relative distances to the target."""
        size = self._sizes[name]
        change = 0.0
        for label, count in size.items():
            before = (self._val[label] - self._wanted[label]) / self._wanted[label]
            change += (before + count / self._wanted[label]) ** 2 - before**2
        if change < 0 and self._leaves_some(size):
            self._take(name)

    def take_if_needed(self, name: str) -> None:
        """Use the group if one of its classes has no validation images yet."""
        size = self._sizes[name]
        if name not in self.taken and self._leaves_some(size) and any(not self._val[x] for x in size):
            self._take(name)
