"""Validates boxes that were drawn on an image."""

from __future__ import annotations

import math
from typing import Any

from django.utils.translation import gettext as _

from portal.datasets.refused_changes import BoxesDiffer, ChangeRefused
from workers.datakit.changes import EditedImage, Plan
from workers.datakit.index import Index

MAX_BOXES = 2_000  # on one image
LEAST_SIDE = 1.0  # pixels
CORRECTED = ("by", "model", "proposed")  # keys of a payload that say which proposal the boxes correct


def boxes_of(payload: dict[str, Any], index: Index, plan: Plan) -> dict[str, Any]:
    """Validate all boxes of an image for storing. Raises ChangeRefused.

    ``expected`` are the boxes that they replace, as displayed; if others are stored, someone else was faster.
    """
    now = image_now(payload, index, plan)
    given, expected = payload.get("boxes"), payload.get("expected")
    if not isinstance(given, list):
        raise ChangeRefused(_("Give the boxes as [class id, left, top, width, height]."), "boxes")
    if len(given) > MAX_BOXES:
        raise ChangeRefused(
            _("An image can have %(most)d boxes: remove some.") % {"most": MAX_BOXES}, "boxes"
        )
    if expected is not None and expected != now.box_rows():
        raise BoxesDiffer(now.box_rows())
    clean = {"image": now.row.id, "boxes": [_box(box, now, plan) for box in given]}
    return clean | {key: payload[key] for key in CORRECTED if key in payload}


def image_now(payload: dict[str, Any], index: Index, plan: Plan, field: str = "boxes") -> EditedImage:
    """The payload's image after ``plan``; raises ChangeRefused for ``field`` if it cannot have boxes."""
    number = payload.get("image")
    row = index.image(number) if isinstance(number, int) and not isinstance(number, bool) else None
    if row is None:
        raise ChangeRefused(_("There is no such image in this version."), "image")
    if row.boxes is None:
        raise ChangeRefused(_("The images of this dataset have a class and no boxes."), field)
    return plan.now(row)


def _box(box: Any, now: EditedImage, plan: Plan) -> list[float]:
    """A box clipped to its image, in hundredths of a pixel."""
    if not isinstance(box, list) or len(box) != 5 or not all(map(_is_number, box)):
        raise ChangeRefused(_("Give each box as [class id, left, top, width, height]."), "boxes")
    class_id, left, top, width, height = box
    if class_id != int(class_id) or not 0 <= class_id < len(plan.names) or plan.names[int(class_id)] is None:
        raise ChangeRefused(_("Choose one of the classes that are there."), "boxes")
    right, bottom = min(left + width, now.row.width), min(top + height, now.row.height)
    left, top = max(left, 0), max(top, 0)
    if right - left < LEAST_SIDE or bottom - top < LEAST_SIDE:
        raise ChangeRefused(
            _("A box must cover at least one pixel of its image: draw it larger, or remove it."), "boxes"
        )
    place = (round(value, 2) for value in (left, top, right - left, bottom - top))
    return [int(class_id), *place]


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
