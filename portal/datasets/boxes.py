"""Bringing the boxes of a detection set onto the normalised images, and saying what was wrong with them."""

from __future__ import annotations

import json
import math
from array import array
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .findings import Findings
    from .index import ImageRow
    from .readers import Listing, Sample

# A box this far over the edge is rounding (or counting from 1), not a mistake.
EDGE_PIXELS = 1.0
TINY_PIXELS = 3.0
Box = tuple[float, float, float, float, float]  # class id, left, top, width, height in pixels
Place = tuple[float, float, float, float]


def on_image(
    image: ImageRow, sample: Sample, orientation: int, listing: Listing, findings: Findings
) -> array[float]:
    """Return the sample's usable boxes in pixels of the normalised image, to a hundredth, sorted.

    They stand flat, five numbers a box, as in ``Sample``: as objects they would take five times the memory.

    ``image`` is the upright one, ``orientation`` the EXIF one that its file came with.
    Boxes with a NaN, without an area or off the image are left out, inverted ones turned round, those
    over the edge clipped; each with a finding.
    """
    turn = orientation if _must_turn(image, sample, orientation, listing, findings) else 1
    kept: list[Box] = []
    flat = sample.boxes
    for start in range(0, len(flat), 5):
        place = tuple(flat[start + 1 : start + 5])
        if listing.fractions:
            place = (place[0] * image.width, place[1] * image.height,
                     place[2] * image.width, place[3] * image.height)  # fmt: skip
        settled = _settled(place, image, turn, findings)
        if settled is not None:
            kept.append((flat[start], *(round(value, 2) for value in settled)))
    unique = sorted(set(kept))
    if len(unique) < len(kept):
        message = "{count} images have a box twice; one of each was kept."
        findings.mark("warn", "box-twice", message, image)
    return array("d", [value for box in unique for value in box])


def rows(flat: array[float]) -> list[list[float]]:
    """Return flat boxes as ``[class id, left, top, width, height]``, whole numbers as such."""
    whole = [int(value) if value.is_integer() else value for value in flat]
    return [whole[start : start + 5] for start in range(0, len(whole), 5)]


def class_ids(flat: array[float]) -> list[int]:
    return [int(class_id) for class_id in flat[::5]]


def _must_turn(
    image: ImageRow, sample: Sample, orientation: int, listing: Listing, findings: Findings
) -> bool:
    """Say whether boxes were drawn on the image as it is stored and must follow its EXIF rotation."""
    if sample.declared is None or listing.fractions:
        return False
    upright = (image.width, image.height)
    stored = upright[::-1] if orientation >= 5 else upright
    if sample.declared not in (upright, stored):
        message = (
            "{count} images have another size than their annotation says, so their boxes may be misplaced."
        )
        declared = "×".join(map(str, sample.declared))
        text = f"{image.width}×{image.height}, annotated as {declared}"
        findings.mark("warn", "size-differs", message, image, text)
        return False
    if orientation == 1 or listing.upright:
        return False
    if upright == stored:
        message = (
            "{count} images are turned by their EXIF data and their annotation does not say whether the "
            "boxes were drawn before or after: the boxes stand as written, so look at them."
        )
        findings.mark("warn", "rotation-unsure", message, image)
        return False
    if sample.declared == upright:
        return False
    message = "{count} images are turned by their EXIF data, and their boxes were turned with them."
    findings.mark("info", "boxes-turned", message, image)
    return True


def _settled(place: Place, image: ImageRow, turn: int, findings: Findings) -> Place | None:
    if not all(map(math.isfinite, place)):
        message = "{count} images have boxes with a number that is none (NaN); these were left out."
        findings.mark("warn", "box-not-a-number", message, image)
        return None
    x, y, width, height = place
    if width < 0 or height < 0:
        message = "{count} images have boxes with their corners the wrong way round; these were turned round."
        findings.mark("warn", "box-inverted", message, image)
        x, y, width, height = min(x, x + width), min(y, y + height), abs(width), abs(height)
    if width == 0 or height == 0:
        message = "{count} images have boxes without an area; these were left out."
        findings.mark("warn", "box-empty", message, image)
        return None
    place = (x, y, width, height)
    place = turned(place, image.width, image.height, turn)
    return _clipped(place, image, findings)


def _clipped(place: Place, image: ImageRow, findings: Findings) -> Place | None:
    left, top, right, bottom = place[0], place[1], place[0] + place[2], place[1] + place[3]
    inside = (max(left, 0.0), max(top, 0.0), min(right, image.width), min(bottom, image.height))
    width, height = inside[2] - inside[0], inside[3] - inside[1]
    if width <= 0 or height <= 0 or round(width, 2) == 0 or round(height, 2) == 0:
        message = "{count} images have boxes that lie outside them; these were left out."
        findings.mark("warn", "box-outside", message, image)
        return None
    over = max(-left, -top, right - image.width, bottom - image.height)
    if over > EDGE_PIXELS:
        message = "{count} images have boxes that reach over their edge; these were cut off there."
        findings.mark("warn", "box-over-edge", message, image)
    if min(width, height) < TINY_PIXELS:
        message = f"{{count}} images have boxes under {TINY_PIXELS:.0f} pixels wide or high."
        findings.mark("warn", "box-tiny", message, image)
    return inside[0], inside[1], width, height


def turned(place: Place, width: int, height: int, orientation: int) -> Place:
    """Return a box of the stored image where it lies on the upright one of ``width`` × ``height``.

    The eight orientations are those of Exif 2.32, tag 0x0112: where the stored image's first row and
    first column lie on the upright one.
    """
    x, y, w, h = place
    if orientation >= 5:
        x, y, w, h = y, x, h, w
    if orientation in (2, 3, 6, 7):
        x = width - x - w
    if orientation in (3, 4, 7, 8):
        y = height - y - h
    return x, y, w, h


def hash_text(flat: array[float], class_names: Sequence[str]) -> str:
    """Return what stands for an image's boxes in the content hash: it does not depend on class ids."""
    named = sorted([class_names[box[0]], *box[1:]] for box in rows(flat))
    return json.dumps(named, ensure_ascii=False, separators=(",", ":"))
