"""Chooses the images that a model is measured on.

``draw_split`` takes images; ``stratified_split`` takes only numbers and names.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from workers.contract.messages import msg
from workers.contract.splits import TEST, TRAIN, VAL

from .errors import InputError
from .flatboxes import class_ids
from .grouping import group_split, groups_of, pattern_of
from .index import ImageRow

MIN_FRACTION = 0.05
MAX_FRACTION = 0.5


@dataclass(frozen=True, slots=True)
class Shares:
    """The fractions of the images for choosing the best epoch, and for measuring the model afterwards.

    If ``test`` is 0, there is no test split.
    """

    val: float
    test: float = 0.0

    @classmethod
    def checked(cls, val: object, test: object = 0) -> Shares:
        """Raises InputError for anything but numbers from 0.05 to 0.5; ``test`` may also be 0 or None."""
        return cls(check_share(msg("validation"), val), check_share(msg("test"), test) if test else 0.0)


def check_share(name: str, share: object) -> float:
    """Return ``share``; raise InputError if it is not a number from 0.05 to 0.5."""
    is_number = isinstance(share, int | float) and not isinstance(share, bool)
    if not is_number or not MIN_FRACTION <= share <= MAX_FRACTION:
        raise InputError(
            msg(
                "The share of images kept for {name} must lie between {least} and {most}, not {share}.",
                name=name,
                least=MIN_FRACTION,
                most=MAX_FRACTION,
                share=repr(share),
            )
        )
    return float(share)


def draw_split(images: Sequence[ImageRow], shares: Shares, seed: int, pattern: str | None = None) -> None:
    """Assign each image a split: by groups if there is a ``pattern`` for paths, else image by image.

    Either way each class is divided as close to ``shares`` as possible; in a detection dataset, an image
    counts for its rarest class. The validation split is the same with and without a test split. Images that
    wait for a class are for training, and are drawn once they have one. Raises InputError if there is no
    choice.
    """
    for image in images:
        image.split = TRAIN
    images = [image for image in images if not image.is_unlabelled]
    if not images:
        return
    _draw(images, shares.val, seed, pattern)
    if not shares.test:
        return
    try:
        draw_from_training(images, TEST, min(MAX_FRACTION, shares.test / (1 - shares.val)), seed, pattern)
    except InputError as error:
        raise InputError(
            msg(
                "There are too few groups for a test split beside the validation split: choose a pattern "
                "that makes smaller groups, or draw no test split."
            )
        ) from error


def draw_from_training(
    images: Sequence[ImageRow], split: str, share: float, seed: int, pattern: str | None = None
) -> int:
    """Move a fraction of the training images to ``split``, drawn as in ``draw_split``; return how many."""
    training = [image for image in images if image.split == TRAIN]
    _draw(training, share, seed, pattern)
    drawn = [image for image in training if image.split == VAL]
    for image in drawn:
        image.split = split
    return len(drawn)


def _draw(images: Sequence[ImageRow], fraction: float, seed: int, pattern: str | None) -> None:
    """Divide the images into train and val."""
    labels = [_labels(image) for image in images]
    if pattern is not None:
        groups = groups_of(pattern_of(pattern), (image.original for image in images))
        splits = group_split(labels, groups, fraction, seed)
    else:
        hashes, originals = [image.sha256 for image in images], [image.original for image in images]
        splits = stratified_split(_rarest(labels), hashes, originals, fraction, seed)
    for image, split in zip(images, splits, strict=True):
        image.split = split


def _labels(image: ImageRow) -> tuple[int, ...]:
    return (image.class_id,) if image.boxes is None else tuple(sorted(set(class_ids(image.boxes))))


def _rarest(labels: Sequence[tuple[int, ...]]) -> list[int]:
    counts = Counter(label for found in labels for label in found)
    return [min(found, key=lambda label: (counts[label], label), default=-1) for found in labels]


def stratified_split(
    classes: Sequence[int], hashes: Sequence[str], names: Sequence[str], fraction: float, seed: int
) -> list[str]:
    """Return "train" or "val" for each image; a class with at least two images has at least one in each.

    ``classes``, ``hashes`` and ``names`` run in parallel. The order of the images does not matter: they are
    drawn by a hash of seed and content, and by name if contents are equal. Duplicates within a class go to
    the same split unless the class has nothing else. A class with one image is for training.
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
    if not wanted:
        return []
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
