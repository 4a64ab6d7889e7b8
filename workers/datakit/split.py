"""Choosing which images a model is measured on.

``draw_split`` is for whole images; the functions below it know numbers and names alone.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Sequence

from workers.contract.messages import msg

from .errors import InputError
from .flatboxes import class_ids
from .grouping import group_split, groups_of, pattern_of
from .index import ImageRow

MIN_FRACTION = 0.05
MAX_FRACTION = 0.5


def check_fraction(fraction: object) -> float:
    """Return ``fraction``; raise InputError when it is no number from 0.05 to 0.5."""
    is_number = isinstance(fraction, int | float) and not isinstance(fraction, bool)
    if not is_number or not MIN_FRACTION <= fraction <= MAX_FRACTION:
        raise InputError(
            msg(
                "The share of images kept for validation must lie between {min_fraction} and "
                "{max_fraction}, not {fraction}.",
                min_fraction=MIN_FRACTION,
                max_fraction=MAX_FRACTION,
                fraction=repr(fraction),
            )
        )
    return float(fraction)


def draw_split(images: Sequence[ImageRow], fraction: float, seed: int, pattern: str | None = None) -> None:
    """Give each image its side: by groups where there is a ``pattern`` of their paths, else one by one.

    Either way each class is divided by ``fraction`` as well as can be; of the classes on one image of a
    detection set the rarest one counts. Raises InputError when there is nothing to choose from.
    """
    labels = [_labels(image) for image in images]
    if pattern is not None:
        groups = groups_of(pattern_of(pattern), (image.original for image in images))
        sides = group_split(labels, groups, fraction, seed)
    else:
        hashes, originals = [image.sha256 for image in images], [image.original for image in images]
        sides = stratified_split(_rarest(labels), hashes, originals, fraction, seed)
    for image, side in zip(images, sides, strict=True):
        image.split = side


def _labels(image: ImageRow) -> tuple[int, ...]:
    return (image.class_id,) if image.boxes is None else tuple(sorted(set(class_ids(image.boxes))))


def _rarest(labels: Sequence[tuple[int, ...]]) -> list[int]:
    counts = Counter(label for found in labels for label in found)
    return [min(found, key=lambda label: (counts[label], label), default=-1) for found in labels]


def stratified_split(
    classes: Sequence[int], hashes: Sequence[str], names: Sequence[str], fraction: float, seed: int
) -> list[str]:
    """Return "train" or "val" for each image; every class has at least one of both.

    ``classes``, ``hashes`` and ``names`` run in parallel. The order of the images plays no part: they
    are drawn by a hash of seed and content, and by name where contents are equal. Copies of one picture
    in a class go to the same side unless the class holds nothing else. Each class needs two images.
    """
    members: dict[int, list[int]] = defaultdict(list)
    for index, class_id in enumerate(classes):
        members[class_id].append(index)
    split = ["train"] * len(classes)
    for indices in members.values():
        for index in _drawn(indices, hashes, names, fraction, seed):
            split[index] = "val"
    return split


def _drawn(
    indices: list[int], hashes: Sequence[str], names: Sequence[str], fraction: float, seed: int
) -> list[int]:
    wanted = min(max(1, round(len(indices) * fraction)), len(indices) - 1)
    groups: dict[str, list[int]] = defaultdict(list)
    for index in sorted(indices, key=lambda i: names[i]):
        groups[hashes[index]].append(index)
    order = sorted(groups, key=lambda digest: hashlib.sha256(f"{seed}:{digest}".encode()).digest())
    drawn: list[int] = []
    for digest in order:
        if len(drawn) + len(groups[digest]) <= wanted:
            drawn += groups[digest]
    if not drawn and len(order) > 1:
        return min(groups.values(), key=len)
    return drawn or groups[order[0]][:wanted]
