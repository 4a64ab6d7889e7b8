"""Answers in Label Studio, from the various forms in its exports."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator
from typing import Any

from workers.datakit import names
from workers.datakit.findings import Findings

from .boxed import Box, around, number
from .noticed import outline_boxed, shape_left_out, shape_without_label

_SHAPES = ("rectanglelabels", "polygonlabels", "ellipselabels", "labels")
# The name of the question in the templates for classes.
CHOICES = ("choice", "choices", "label", "class", "category", "classification", "image_class")
_LEFT_OUT = ("brushlabels", "keypointlabels", "keypoint", "brush", "vectorlabels")


@dataclasses.dataclass(slots=True)
class Result:
    """The classes of the whole image, and its boxes as fractions of its width and height."""

    labels: list[str] = dataclasses.field(default_factory=list)
    boxes: list[Box] = dataclasses.field(default_factory=list)
    annotators: int = 1

    def add(self, other: Result) -> None:
        self.labels += other.labels
        self.boxes += other.boxes


def results_of_task(task: dict[str, Any], findings: Findings) -> Result:
    """Return the first annotation that was not cancelled; of several, the one marked as ground truth."""
    found = task.get("annotations", task.get("completions"))
    annotations = [
        row
        for row in (found if isinstance(found, list) else ())
        if isinstance(row, dict) and not row.get("was_cancelled") and not row.get("skipped")
    ]
    annotations.sort(key=lambda row: not row.get("ground_truth"))
    whole = Result(annotators=len(annotations))
    for item in _items(annotations[0].get("result")) if annotations else ():
        value = item.get("value")
        if item.get("type") in _LEFT_OUT:
            _left_out(str(item["type"]), findings)
        elif isinstance(value, dict) and "choices" in value:
            whole.labels += _texts(value["choices"])
        elif isinstance(value, dict):
            size = {key: item.get(key) for key in ("original_width", "original_height")}
            whole.boxes += _box({**size, **value}, findings)
    return whole


def result_of(value: Any, findings: Findings) -> Result:
    """Return an answer of a flat export: several choices, or a list of shapes."""
    if isinstance(value, dict) and "choices" in value:
        return Result(labels=_texts(value["choices"]))
    return Result(boxes=[box for item in _items(value) for box in _box(item, findings)])


def _items(value: Any) -> Iterator[dict[str, Any]]:
    return (item for item in (value if isinstance(value, list) else ()) if isinstance(item, dict))


def _texts(value: Any) -> list[str]:
    values = value if isinstance(value, list) else [value]
    return [text for text in values if isinstance(text, str)]


def _box(value: dict[str, Any], findings: Findings) -> list[Box]:
    """Return the box of a shape with its first label; none if it has no position or no label."""
    if any(key in value for key in _LEFT_OUT):
        _left_out("brush", findings)
        return []
    labels = [text for key in _SHAPES for text in _texts(value.get(key)) if text.strip()]
    place = _place(value, findings)
    if place is None:
        return []
    if not labels:
        shape_without_label(findings)
        return []
    return [(labels[0].strip(), *(part / 100 for part in place))]


def _place(value: dict[str, Any], findings: Findings) -> tuple[float, float, float, float] | None:
    if isinstance(value.get("points"), list):
        _boxed("polygon", findings)
        return around(value["points"])
    x, y = number(value.get("x")), number(value.get("y"))
    if "radiusX" in value:
        _boxed("ellipse", findings)
        across, down = number(value["radiusX"]), number(value.get("radiusY"))
        return x - across, y - down, 2 * across, 2 * down
    if "width" not in value or "height" not in value:
        return None
    width, height = number(value["width"]), number(value["height"])
    rotation = number(value.get("rotation") or 0)
    if not rotation:
        return x, y, width, height
    _boxed("rotation", findings)
    return _turned(value, x, y, width, height, rotation)


def _turned(
    value: dict[str, Any], x: float, y: float, width: float, height: float, rotation: float
) -> tuple[float, float, float, float]:
    """Return the bounding box of a rectangle rotated about its top left corner, in percent."""
    across, down = number(value.get("original_width")), number(value.get("original_height"))
    if not across > 0 or not down > 0:
        across = down = 100.0
    left, top, wide, high = x * across, y * down, width * across, height * down
    corners = turned_corners(left, top, wide, high, rotation)
    left, top, wide, high = around(corners)
    return left / across, top / down, wide / across, high / down


def turned_corners(
    x: float, y: float, width: float, height: float, degrees: float
) -> list[tuple[float, float]]:
    """Return the corners of a rectangle rotated clockwise about its top left corner."""
    cosine, sine = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    return [
        (x + a * cosine - b * sine, y + a * sine + b * cosine)
        for a, b in ((0, 0), (width, 0), (width, height), (0, height))
    ]


def _boxed(kind: str, findings: Findings) -> None:
    outline_boxed(findings, kind)


def _left_out(kind: str, findings: Findings) -> None:
    shape_left_out(findings, names.show(kind))
