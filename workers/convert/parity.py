"""Compares what the float model and the chip's model answered. Standard library only."""

from __future__ import annotations

from typing import Any


def summarise(predictions: list[dict[str, Any]], class_names: list[str]) -> dict[str, Any]:
    """Return top-1 of both models, as fractions 0..1, their agreement and the same for each class.

    Each prediction is ``{"label": true id, "onnx": id, "int8": id}``. ``drop`` is what the conversion
    cost: ONNX top-1 less int8 top-1, negative when the int8 model happens to be better.
    """
    onnx_top1, int8_top1 = _top1(predictions, "onnx"), _top1(predictions, "int8")
    per_class = []
    for label, name in enumerate(class_names):
        mine = [item for item in predictions if item["label"] == label]
        per_class.append(
            {
                "id": label,
                "name": name,
                "images": len(mine),
                "onnx_top1": _top1(mine, "onnx"),
                "int8_top1": _top1(mine, "int8"),
            }
        )
    return {
        "images": len(predictions),
        "onnx_top1": onnx_top1,
        "int8_top1": int8_top1,
        "drop": onnx_top1 - int8_top1,
        "agreement": _share(sum(item["onnx"] == item["int8"] for item in predictions), len(predictions)),
        "per_class": per_class,
    }


def _top1(predictions: list[dict[str, Any]], engine: str) -> float | None:
    return _share(sum(item[engine] == item["label"] for item in predictions), len(predictions))


def _share(part: int, whole: int) -> float | None:
    """Return part/whole, or None when there is nothing to share (a class without images)."""
    return part / whole if whole else None
