"""How good a classifier's predictions are, and what changed from one stage to the next. Pure.

A prediction is ``{"image": path, "label": true id, "predicted": id or None, "score": 0..1 or None}``.
``None`` stands for an image without a prediction; it counts as wrong. A true id of None is unknown: such an
image has no part in top-1, and counts for agreement only.
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
        "top1": share(sum(row["correct"] for row in per_class), len(_labelled(predictions))),
        "images": len(predictions),
        "per_class": per_class,
        "confusion": confusion,
    }


def _confusion(predictions: list[Prediction], classes: int) -> list[list[int]]:
    found = [[0] * classes for _ in range(classes)]
    for prediction in _labelled(predictions):
        predicted = prediction["predicted"]
        if predicted is not None and 0 <= predicted < classes:
            found[prediction["label"]][predicted] += 1
    return found


def compare(before: list[Prediction], after: list[Prediction]) -> dict[str, Any]:
    """Return what changed between two stages on the images that both predicted.

    ``before`` and ``after`` are top-1 on those images, ``drop`` their difference (negative when the later
    stage happens to be better), ``agreement`` the share of equal predictions, ``changed`` how many differ,
    ``lost`` how many became wrong and ``gained`` how many became right. ``drift`` has the ``mean`` and the
    ``worst`` movement of scores. ``classes`` compares the recall of each class that has images.
    None if they have no image in common.
    """
    pairs = _pairs(before, after)
    first, second = (_top1([pair[side] for pair in pairs]) for side in (0, 1))
    known = first is not None and second is not None
    differing = sum(old["predicted"] != new["predicted"] for old, new in pairs)
    drifts = [drift(old, new) for old, new in pairs]
    return {
        "images": len(pairs),
        "before": first,
        "after": second,
        "drop": first - second if known else None,
        "agreement": share(len(pairs) - differing, len(pairs)),
        "changed": differing,
        "lost": sum(is_right(old) and not is_right(new) for old, new in pairs),
        "gained": sum(is_right(new) and not is_right(old) for old, new in pairs),
        "drift": {"mean": share(sum(drifts), len(drifts)), "worst": max(drifts, default=None)},
        "classes": _compare_classes(pairs),
    }


def _compare_classes(pairs: list[tuple[Prediction, Prediction]]) -> list[dict[str, Any]]:
    pairs = [pair for pair in pairs if pair[1]["label"] is not None]
    images = Counter(new["label"] for _, new in pairs)
    was, now = (Counter(pair[side]["label"] for pair in pairs if is_right(pair[side])) for side in (0, 1))
    same = Counter(new["label"] for old, new in pairs if old["predicted"] == new["predicted"])
    return [
        {
            "id": label,
            "before": was[label] / count,
            "after": now[label] / count,
            "agreement": same[label] / count,
        }
        for label, count in sorted(images.items())
    ]


def changed(before: list[Prediction], after: list[Prediction]) -> list[dict[str, Any]]:
    """The images whose prediction changed, worst first: those that became wrong, by their drift.

    Each is ``{"image", "label", "before", "after", "scores", "drift"}``: ``label``, ``before`` and ``after``
    are class ids, ``scores`` those of ``before`` and ``after``.
    """
    pairs = [pair for pair in _pairs(before, after) if pair[0]["predicted"] != pair[1]["predicted"]]
    pairs.sort(key=lambda pair: (not is_right(pair[0]), -drift(*pair)))
    return [
        {
            "image": new["image"],
            "label": new["label"],
            "before": old["predicted"],
            "after": new["predicted"],
            "scores": [old.get("score"), new.get("score")],
            "drift": drift(old, new),
        }
        for old, new in pairs
    ]


def drift(old: Prediction, new: Prediction) -> float:
    """How far the score of the earlier prediction moved, 0 to 1; a lower bound if the prediction changed.

    A new prediction of 0.9 leaves at most 0.1 for the earlier one. A missing prediction moves all of its
    score.
    """
    if new["predicted"] is None or old["predicted"] is None:
        return max(old.get("score") or 0.0, new.get("score") or 0.0)
    was, now = old.get("score") or 0.0, new.get("score") or 0.0
    return abs(was - now) if old["predicted"] == new["predicted"] else max(0.0, was + now - 1)


def is_right(prediction: Prediction) -> bool:
    return prediction["label"] is not None and prediction["predicted"] == prediction["label"]


def _labelled(predictions: list[Prediction]) -> list[Prediction]:
    return [prediction for prediction in predictions if prediction["label"] is not None]


def _pairs(before: list[Prediction], after: list[Prediction]) -> list[tuple[Prediction, Prediction]]:
    earlier = {prediction["image"]: prediction for prediction in before}
    return [(earlier[one["image"]], one) for one in after if one["image"] in earlier]


def _top1(predictions: list[Prediction]) -> float | None:
    return share(sum(map(is_right, predictions)), len(_labelled(predictions)))


def share(part: int, whole: int) -> float | None:
    """Return part/whole as a fraction; None if the whole is 0."""
    return part / whole if whole else None
