"""How good a detector's predictions are, and what changed from one stage to the next.

A prediction is ``{"image": path, "width", "height", "truth": [{"label": class id, "box": [left, top, width,
height]}, …], "boxes": [{"label", "score": 0..1, "box"}, …] or None}``: boxes in pixels of the image, the
predicted ones by descending score. ``None`` stands for an image without a prediction; it counts as one
without boxes.

Scores are those that the network exports and a board's library reports: see ``decoding/detector.py``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from workers.datakit.scoring import coco
from workers.datakit.scoring.matching import Box, match

Prediction = dict[str, Any]
# The default display threshold if no labelled image suggests a better one; PaddleDetection, which takes the
# square root of scores, uses 0.5.
SHOWN = 0.25
# A displayed box is lost or new only if the other stage lacks it even at this fraction of the score.
FAINT = 0.6
STEPS = 100  # of the score, in the curve


def summarise(predictions: list[Prediction], class_names: list[str]) -> dict[str, Any]:
    """Return the metrics of predictions, all of them fractions or counts.

    ``map`` is the mean over the classes of COCO's AP@[.5:.95], ``ap50`` of AP at an IoU of 0.5; None if no
    image has a box. ``curve`` holds [score, precision, recall] of all boxes at an IoU of 0.5, for each
    possible display threshold; ``threshold`` is the one with the best F1, for which ``precision`` and
    ``recall`` are given, here and in ``per_class``. A fraction of nothing is None.
    """
    hits = [_hits(row) for row in predictions]
    curve = _curve(hits, predictions)
    threshold = _best(curve)
    precisions = coco.average_precisions(predictions, len(class_names))
    counts = _counts(predictions, hits, threshold)
    per_class = [
        {
            "id": number,
            "name": name,
            "images": counts["images"][number],
            "boxes": counts["boxes"][number],
            "ap": precision and precision.ap,
            "ap50": precision and precision.ap50,
            "found": counts["right"][number],
            "precision": share(counts["right"][number], counts["shown"][number]),
            "recall": share(counts["right"][number], counts["boxes"][number]),
        }
        for number, (name, precision) in enumerate(zip(class_names, precisions, strict=True))
    ]
    boxes, right, shown = (counts[key].total() for key in ("boxes", "right", "shown"))
    return {
        "map": _mean(row["ap"] for row in per_class),
        "ap50": _mean(row["ap50"] for row in per_class),
        "images": len(predictions),
        "boxes": boxes,
        "threshold": threshold,
        "precision": share(right, shown),
        "recall": share(right, boxes),
        "per_class": per_class,
        "curve": curve,
    }


def _hits(row: Prediction) -> list[tuple[Box, bool]]:
    """Each predicted box, and whether it matches a true one."""
    found = (row["boxes"] or [])[: coco.MOST_BOXES]
    partners = match(row["truth"], found)
    return [(box, partner is not None) for box, partner in zip(found, partners, strict=True)]


def best_threshold(predictions: list[Prediction]) -> float:
    """The score with the best F1 of all boxes; ``SHOWN`` if none is right."""
    return _best(_curve([_hits(row) for row in predictions], predictions))


def _curve(hits: list[list[tuple[Box, bool]]], predictions: list[Prediction]) -> list[list[float | None]]:
    """[score, precision, recall] for each hundredth of the score; which boxes are right does not depend on
    those with lower scores.
    """
    boxes = sum(len(row["truth"]) for row in predictions)
    at = Counter((int(box["score"] * STEPS + 1e-9), right) for image in hits for box, right in image)
    shown = right = 0
    curve = []
    for step in range(STEPS, -1, -1):
        right += at[step, True]
        shown += at[step, True] + at[step, False]
        curve.append([step / STEPS, share(right, shown), share(right, boxes)])
    return curve[::-1]


def _best(curve: list[list[float | None]]) -> float:
    """As ``best_threshold``; the middle one of equals."""
    scored = [(f1(precision, recall), score) for score, precision, recall in curve]
    best = max(value for value, _ in scored)
    equals = [score for value, score in scored if value == best]
    return equals[len(equals) // 2] if best else SHOWN


def f1(precision: float | None, recall: float | None) -> float:
    """The harmonic mean of two fractions; 0 if one of them is unknown or 0."""
    return 2 * precision * recall / (precision + recall) if precision and recall else 0.0


def _counts(
    predictions: list[Prediction], hits: list[list[tuple[Box, bool]]], threshold: float
) -> dict[str, Counter]:
    """For each class: its images, its boxes, those from ``threshold`` on, and the right ones of them."""
    kept = [(box["label"], right) for image in hits for box, right in image if box["score"] >= threshold]
    return {
        "images": Counter(label for row in predictions for label in {box["label"] for box in row["truth"]}),
        "boxes": Counter(box["label"] for row in predictions for box in row["truth"]),
        "shown": Counter(label for label, _ in kept),
        "right": Counter(label for label, right in kept if right),
    }


def compare(before: list[Prediction], after: list[Prediction]) -> dict[str, Any]:
    """Return what changed between two stages on the images that both predicted.

    ``before`` and ``after`` are the mAP on those images, ``drop`` their difference (negative when the later
    stage happens to be better), ``agreement`` the fraction of displayed boxes that both have, ``changed`` how
    many images differ, ``lost`` how many of them have fewer right boxes or more wrong ones than before,
    ``gained`` the reverse. ``drift`` has the ``mean`` and the ``worst`` movement of an image's scores.
    ``classes`` compares the AP of each class that has boxes. Boxes are displayed from the best threshold of
    ``before`` on. None if there is nothing to compare.
    """
    pairs = _pairs(before, after)
    classes = 1 + max(_labels(pairs), default=-1)
    aps = [coco.average_precisions([pair[side] for pair in pairs], classes) for side in (0, 1)]
    first, second = (_mean(one and one.ap for one in found) for found in aps)
    threshold = best_threshold([old for old, _ in pairs])
    moved = [_movement(old, new, threshold) for old, new in pairs]
    counts = _count_agreement(pairs, moved, threshold)
    differing = [(pair, one) for pair, one in zip(pairs, moved, strict=True) if one.differs]
    gains = [_gain(_row(*pair, one, threshold)) for pair, one in differing]
    drifts = [one.drift for one in moved]
    return {
        "images": len(pairs),
        "before": first,
        "after": second,
        "drop": None if first is None else first - second,
        "agreement": _agreement(counts.values()) if counts else (1.0 if pairs else None),
        "changed": len(differing),
        "lost": sum(gain < 0 for gain in gains),
        "gained": sum(gain > 0 for gain in gains),
        "drift": {"mean": share(sum(drifts), len(drifts)), "worst": max(drifts, default=None)},
        "classes": _compare_classes(*aps, counts),
    }


def _compare_classes(
    before: list[coco.Precision | None],
    after: list[coco.Precision | None],
    counts: dict[int, tuple[int, int]],
) -> list[dict[str, Any]]:
    return [
        {"id": label, "before": was.ap, "after": now.ap, "agreement": _agreement([counts.get(label, (0, 0))])}
        for label, (was, now) in enumerate(zip(before, after, strict=True))
        if was and now
    ]


def _count_agreement(pairs, moved: list[Movement], threshold: float) -> dict[int, tuple[int, int]]:
    """For each class with displayed boxes: how many both stages have, and how many only one has."""
    boxes = Counter(box["label"] for pair in pairs for row in pair for box in shown(row, threshold))
    alone = Counter(box["label"] for one in moved for box in (*one.lost, *one.new))
    return {label: (count, alone[label]) for label, count in boxes.items()}


def _agreement(counts: Iterable[tuple[int, int]]) -> float | None:
    boxes, alone = (sum(column) for column in zip(*counts, strict=True))
    return share(boxes - alone, boxes)


def changed(before: list[Prediction], after: list[Prediction]) -> list[dict[str, Any]]:
    """The images with lost or new displayed boxes, those that lost most right ones first.

    Each is ``{"image", "width", "height", "truth", "before", "after", "lost", "new", "drift"}``: the
    displayed boxes of both stages, those of ``before`` missing in ``after``, and the reverse.
    """
    pairs, found = _pairs(before, after), []
    threshold = best_threshold([old for old, _ in pairs])
    for old, new in pairs:
        moved = _movement(old, new, threshold)
        if moved.differs:
            found.append(_row(old, new, moved, threshold))
    return sorted(found, key=lambda row: (_gain(row), -row["drift"]))


@dataclass(frozen=True)
class Movement:
    """The movement of an image's displayed boxes: those of one stage alone, and the largest change of a
    score.
    """

    lost: list[Box]
    new: list[Box]
    drift: float

    @property
    def differs(self) -> bool:
        return bool(self.lost or self.new)


def _movement(old: Prediction, new: Prediction, threshold: float) -> Movement:
    lost, first = _alone(old, new, threshold)
    added, second = _alone(new, old, threshold)
    return Movement(lost, added, max(first, second))


def _row(old: Prediction, new: Prediction, moved: Movement, threshold: float) -> dict[str, Any]:
    return {
        **{key: new[key] for key in ("image", "width", "height", "truth")},
        "before": shown(old, threshold),
        "after": shown(new, threshold),
        "lost": moved.lost,
        "new": moved.new,
        "drift": moved.drift,
    }


def _gain(row: dict[str, Any]) -> int:
    """How many more right boxes the later stage has, minus wrong ones."""
    first, second = (mistakes(row["truth"], row[side]) for side in ("before", "after"))
    return sum(map(len, first)) - sum(map(len, second))


def mistakes(truth: list[Box], boxes: list[Box]) -> tuple[list[Box], list[Box]]:
    """The missed true boxes, and the predicted ones without a true one."""
    partners = match(truth, boxes)
    missed = [box for place, box in enumerate(truth) if place not in partners]
    return missed, [box for box, partner in zip(boxes, partners, strict=True) if partner is None]


def shown(row: Prediction, threshold: float) -> list[Box]:
    """The predicted boxes with a score of at least ``threshold``."""
    return [box for box in row["boxes"] or () if box["score"] >= threshold]


def _alone(row: Prediction, other: Prediction, threshold: float) -> tuple[list[Box], float]:
    """The displayed boxes missing in the other stage, and how far a score moved; all of it if missing."""
    own, faint = shown(row, threshold), shown(other, threshold * FAINT)
    partners = list(zip(own, match(faint, own), strict=True))
    moves = (box["score"] - (0 if place is None else faint[place]["score"]) for box, place in partners)
    alone = [box for box, place in partners if place is None]
    return alone, max(map(abs, moves), default=0.0)


def _pairs(before: list[Prediction], after: list[Prediction]) -> list[tuple[Prediction, Prediction]]:
    earlier = {row["image"]: row for row in before}
    return [(earlier[row["image"]], row) for row in after if row["image"] in earlier]


def _labels(pairs: list[tuple[Prediction, Prediction]]) -> set[int]:
    rows = [row for pair in pairs for row in pair]
    return {box["label"] for row in rows for box in (*row["truth"], *(row["boxes"] or ()))}


def _mean(values: Any) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None


def share(part: int, whole: int) -> float | None:
    """Return part/whole as a fraction; None if the whole is 0."""
    return part / whole if whole else None
