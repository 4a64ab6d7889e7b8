"""Maps the boxes of a detection dataset onto the normalised images, and reports what was wrong with them."""

from __future__ import annotations

import math
from array import array

from workers.contract.messages import msg

from .index import ImageRow
from .marks import mark
from .readers import Listing, Sample

# A box this far over the edge is rounding (or counting from 1), not a mistake.
EDGE_PIXELS = 1.0
Box = tuple[float, float, float, float, float]  # class id, left, top, width, height in pixels
Place = tuple[float, float, float, float]


def on_image(image: ImageRow, sample: Sample, orientation: int, listing: Listing) -> array[float]:
    """Return the sample's usable boxes in pixels of the normalised image, to a hundredth, sorted.

    They are flat, five numbers per box, as in ``Sample``: as objects they would take five times the memory.
    ``image`` is the upright one, ``orientation`` the EXIF orientation of its file. Boxes with a NaN, without
    an area or outside the image are dropped, inverted ones flipped, those over the edge clipped; the image
    gets a finding for each.
    """
    turn = orientation if _must_turn(image, sample, orientation, listing) else 1
    kept: list[Box] = []
    flat = sample.boxes
    for start in range(0, len(flat), 5):
        place = tuple(flat[start + 1 : start + 5])
        if listing.fractions:
            place = (place[0] * image.width, place[1] * image.height,
                     place[2] * image.width, place[3] * image.height)  # fmt: skip
        normalised = _normalised(place, image, turn)
        if normalised is not None:
            kept.append((flat[start], *(round(value, 2) for value in normalised)))
    unique = sorted(set(kept))
    if len(unique) < len(kept):
        mark(image, "box-twice")
    return array("d", [value for box in unique for value in box])


def _must_turn(image: ImageRow, sample: Sample, orientation: int, listing: Listing) -> bool:
    """Whether boxes were drawn on the image as stored and must follow its EXIF rotation."""
    if sample.declared is None or listing.fractions:
        return False
    upright = (image.width, image.height)
    stored = upright[::-1] if orientation >= 5 else upright
    if sample.declared not in (upright, stored):
        declared = "×".join(map(str, sample.declared))
        text = msg(
            "{width}×{height}, annotated as {declared}",
            width=image.width,
            height=image.height,
            declared=declared,
        )
        mark(image, "size-differs", text)
        return False
    if orientation == 1 or listing.upright:
        return False
    if upright == stored:
        mark(image, "rotation-unsure")
        return False
    if sample.declared == upright:
        return False
    mark(image, "boxes-turned")
    return True


def _normalised(place: Place, image: ImageRow, turn: int) -> Place | None:
    if not all(map(math.isfinite, place)):
        mark(image, "box-not-a-number")
        return None
    x, y, width, height = place
    if width < 0 or height < 0:
        mark(image, "box-inverted")
        x, y, width, height = min(x, x + width), min(y, y + height), abs(width), abs(height)
    if width == 0 or height == 0:
        mark(image, "box-empty")
        return None
    place = (x, y, width, height)
    place = turned(place, image.width, image.height, turn)
    return _clipped(place, image)


def _clipped(place: Place, image: ImageRow) -> Place | None:
    left, top, right, bottom = place[0], place[1], place[0] + place[2], place[1] + place[3]
    inside = (max(left, 0.0), max(top, 0.0), min(right, image.width), min(bottom, image.height))
    width, height = inside[2] - inside[0], inside[3] - inside[1]
    if width <= 0 or height <= 0 or round(width, 2) == 0 or round(height, 2) == 0:
        mark(image, "box-outside")
        return None
    over = max(-left, -top, right - image.width, bottom - image.height)
    if over > EDGE_PIXELS:
        mark(image, "box-over-edge")
    return inside[0], inside[1], width, height


def turned(place: Place, width: int, height: int, orientation: int) -> Place:
    """Map a box of the stored image to the upright one of ``width`` × ``height``.

    The eight orientations are those of Exif 2.32, tag 0x0112: where the stored image's first row and first
    column are in the upright one.
    """
    x, y, w, h = place
    if orientation >= 5:
        x, y, w, h = y, x, h, w
    if orientation in (2, 3, 6, 7):
        x = width - x - w
    if orientation in (3, 4, 7, 8):
        y = height - y - h
    return x, y, w, h
