"""Matches predicted boxes with true ones. Standard library only, Python 3.8: boards get this file.

A box is ``{"label": class id, "box": [left, top, width, height]}``, in pixels, a predicted one with its
``score``.
"""

from __future__ import annotations

from collections.abc import Sequence

Box = dict
IOU = 0.5  # two boxes that overlap this much mark the same object, as in AP50


def iou(one: Sequence[float], other: Sequence[float]) -> float:
    """Intersection over union of two boxes, 0 to 1."""
    width = min(one[0] + one[2], other[0] + other[2]) - max(one[0], other[0])
    height = min(one[1] + one[3], other[1] + other[3]) - max(one[1], other[1])
    if width <= 0 or height <= 0:
        return 0.0
    shared = width * height
    return shared / (one[2] * one[3] + other[2] * other[3] - shared)


def suppressed(boxes: Sequence[Box], overlap: float) -> list[Box]:
    """The boxes, highest score first, without those that overlap a higher-scoring one of their class by
    more.
    """
    kept: list[Box] = []
    for box in boxes:
        rivals = (other for other in kept if other["label"] == box["label"])
        if all(iou(box["box"], other["box"]) <= overlap for other in rivals):
            kept.append(box)
    return kept


def match(wanted: Sequence[Box], found: Sequence[Box], least: float = IOU) -> list[int | None]:
    """For each box of ``found``, highest score first, the index of its match in ``wanted``; None without one.

    As in COCO's evaluation: a box takes, among the unmatched ones of its class, the one with the largest
    overlap, of at least ``least``.
    """
    free: dict[int, list[int]] = {}
    for place, box in enumerate(wanted):
        free.setdefault(box["label"], []).append(place)
    partners: list[int | None] = []
    for box in found:
        rivals = free.get(box["label"], [])
        best = max(rivals, key=lambda place: iou(box["box"], wanted[place]["box"]), default=None)
        if best is not None and iou(box["box"], wanted[best]["box"]) >= least:
            rivals.remove(best)
            partners.append(best)
        else:
            partners.append(None)
    return partners
