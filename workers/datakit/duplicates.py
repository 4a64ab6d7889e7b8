"""Duplicates: images that occur more than once, exactly or nearly."""

from __future__ import annotations

import itertools
import operator
from collections.abc import Iterator

from . import names
from .index import ImageRow
from .marks import mark

# A resaved or resized image keeps all but a few of its 64 hash bits. Only images that share one of four bands
# of 16 bits are compared: with up to three differing bits they always do, with four in nine cases of ten,
# with eight in three of ten.
MAX_BITS = 8
BANDS, BAND_BITS = 4, 16
# In a band, each image is compared with this many after it, ordered by hash and brightness: among thousands
# of similar ones, each still finds one, and the time stays linear.
NEIGHBOURS = 16
# Nearly equal: the 16 × 16 gray values differ by at most this much on average, and by little relative to
# their own contrast, which distinguishes a digit from a similar one. Without contrast there is nothing to
# compare.
MAX_DIFFERENCE, MAX_OF_CONTRAST = 4.0, 0.06
LEAST_CONTRAST = 8.0
LEAST_SIDE = 16  # with fewer pixels than that, similar objects look equal by chance
_MASK = (1 << 64) - 1
_BAND = (1 << BAND_BITS) - 1


def mark_duplicates(images: list[ImageRow]) -> None:
    """Mark the images that have a duplicate: exact ones first, then near ones."""
    ordered = sorted(images, key=operator.attrgetter("sha256"))
    unlike = []
    for _, group in itertools.groupby(ordered, key=operator.attrgetter("sha256")):
        same = list(group)
        unlike.append(same[0])
        if len(same) > 1:
            _mark_exact(same)
    for one, other in near_pairs(unlike):
        code = "near-copy" if one.split == other.split else "near-copy-in-both-splits"
        mark(one, code, f"≈ {names.show(other.original)}")
        mark(other, code, f"≈ {names.show(one.original)}")


def _mark_exact(same: list[ImageRow]) -> None:
    labels = {image.class_id for image in same if not image.is_unlabelled} or {None}
    splits = {image.split for image in same}
    for position, image in enumerate(same):
        text = f"= {names.show(same[position - 1].original)}"
        if len(labels) > 1:
            mark(image, "copy-in-two-classes", text)
        if len(splits) > 1:
            mark(image, "copy-in-both-splits", text)
        if len(labels) == 1 and len(splits) == 1:
            mark(image, "copy-in-class", text)


def near_pairs(images: list[ImageRow]) -> Iterator[tuple[ImageRow, ImageRow]]:
    """Yield pairs of nearly equal images, in linear time.

    Of many similar images, not every pair is found, but some pair for each image.
    """
    judged = [
        image
        for image in images
        if image.gray is not None
        and image.contrast >= LEAST_CONTRAST
        and min(image.width, image.height) >= LEAST_SIDE
    ]
    for band in range(BANDS):
        shift = band * BAND_BITS

        def key(image: ImageRow, shift: int = shift) -> tuple[int, int, float]:
            return (image.dhash >> shift) & _BAND, image.dhash, image.brightness

        ordered = sorted(judged, key=key)
        for _, group in itertools.groupby(ordered, key=lambda image, s=shift: (image.dhash >> s) & _BAND):
            yield from _pairs(list(group), band)


def _pairs(group: list[ImageRow], band: int) -> Iterator[tuple[ImageRow, ImageRow]]:
    earlier = (1 << band * BAND_BITS) - 1
    for position, one in enumerate(group):
        for other in group[position + 1 : position + 1 + NEIGHBOURS]:
            differing = (one.dhash ^ other.dhash) & _MASK
            if differing.bit_count() > MAX_BITS or _met_before(differing & earlier, band):
                continue
            if _alike(one, other):
                yield one, other


def _met_before(differing: int, band: int) -> bool:
    """Whether an earlier band is equal, so that the two were already compared there."""
    for number in range(band):
        if not differing >> number * BAND_BITS & _BAND:
            return True
    return False


def _alike(one: ImageRow, other: ImageRow) -> bool:
    limit = min(MAX_DIFFERENCE, MAX_OF_CONTRAST * min(one.contrast, other.contrast))
    if abs(one.brightness - other.brightness) > MAX_DIFFERENCE + 1:
        return False
    if _difference(one.gray[::4], other.gray[::4]) > 2 * limit + 1:  # a quarter of the pixels, first
        return False
    return _difference(one.gray, other.gray) <= limit


def _difference(one: bytes, other: bytes) -> float:
    """Return the mean of the absolute differences."""
    return sum(map(abs, map(operator.sub, one, other))) / len(one)
