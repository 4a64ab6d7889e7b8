"""How good a classifier's predictions are, and what changed from one stage to the next. Pure.

A prediction is ``{"image": path, "label": true id, "predicted": id or None, "score": 0..1 or None}``.
``None`` stands for an image without a prediction; it counts as wrong.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

Prediction = dict[str, Any]


def summarise(predictions: list[Prediction], class_names: list[str]) -> dict[str, Any]:
    """Return ``top1`` (fraction), ``images``, ``per_class`` and ``confusion`` (rows true, columns predicted).

    The recall of a class without images and the precision of one that is never predicted are None; so is the
    top-1 of no images.
    """
    confusion = _confusion(predictions, len(class_names))
    images = Counter(prediction["label"] for prediction in predictions)
    predicted = [sum(column) for column in zip(*confusion, strict=True)]
    per_class = [
        {
            "id": number,
            "name": name,
            "images": images[number],
            "correct": confusion[number][number],
            "recall": share(confusion[number][number], images[number]),
            "precision": share(confusion[number][number], predicted[number]),
        }
        for number, name in enumerate(class_names)
    ]
    return {
        "top1": share(sum(row["correct"] for row in per_class), len(predictions)),
        "images": len(predictions),
        "per_class": per_class,
        "confusion": confusion,
    }


def _confusion(predictions: list[Prediction], classes: int) -> list[list[int]]:
    found = [[0] * classes for _ in range(classes)]
    for prediction in predictions:
        predicted = prediction["predicted"]
        if predicted is not None and 0 <= predicted < classes:
            found[prediction["label"]][predicted] += 1
    return found


def compare(before: list[Prediction], after: list[Prediction]) -> dict[str, Any]:
    """Return what changed between two stages on the images that both predicted.

    ``before`` and ``after`` are top-1 on those images, ``drop`` their difference (negative if the later stage
    happens to be better), ``agreement`` the fraction of equal predictions, ``changed`` how many differ. None
    without common images.
    """
    earlier = {prediction["image"]: prediction for prediction in before}
    pairs = [(earlier[one["image"]], one) for one in after if one["image"] in earlier]
    first, second = (_top1([pair[side] for pair in pairs]) for side in (0, 1))
    differing = sum(old["predicted"] != new["predicted"] for old, new in pairs)
    return {
        "images": len(pairs),
        "before": first,
        "after": second,
        "drop": first - second if pairs else None,
        "agreement": share(len(pairs) - differing, len(pairs)),
        "changed": differing,
    }


def changed(before: list[Prediction], after: list[Prediction]) -> list[dict[str, Any]]:
    """The images whose prediction changed, in the order of ``after``.

    Each is ``{"image", "label", "before", "after"}``; the last three are class ids.
    """
    earlier = {prediction["image"]: prediction["predicted"] for prediction in before}
    return [
        {"image": name, "label": one["label"], "before": earlier[name], "after": one["predicted"]}
        for one in after
        if (name := one["image"]) in earlier and earlier[name] != one["predicted"]
    ]


def _top1(predictions: list[Prediction]) -> float | None:
    return share(sum(one["predicted"] == one["label"] for one in predictions), len(predictions))


def share(part: int, whole: int) -> float | None:
    """Return part/whole as a fraction; None if the whole is 0."""
    return part / whole if whole else None
