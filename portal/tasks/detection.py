"""Detection: boxes with a class and a score."""

from __future__ import annotations

import itertools
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from portal.core.untrusted import MAX_NAME, listed, many, number, record, text, whole
from portal.tasks import detection_doubts
from portal.tasks.base import MAX_LABEL_ID, SCORE_SLACK, Prediction, Task
from portal.tasks.doubts import Doubt
from portal.tasks.figures import (
    LEARNING_RATE,
    SPEED,
    Change,
    Chart,
    Column,
    Drawn,
    Line,
    Overlay,
    Predicted,
    Shown,
    Thresholds,
    class_name,
)
from workers.contract.messages import msg
from workers.datakit.scoring import detection as scoring
from workers.datakit.scoring.matching import IOU, Box, iou, match, suppressed

MOST_BOXES = 300  # in a board's response for an image; Slipway's own program returns up to 100
MOST_PIXELS = 65_535  # of a side of an image
# A box that a board must find again: well above the lowest score that it may drop, see
# ``workers/board/tasks.py``.
SURE_SCORE = 0.35
MOST_GOLDEN_BOXES = 20  # of an image
GAINED = {  # by a change's gain
    1: gettext_lazy("fewer mistakes"),
    -1: gettext_lazy("more mistakes"),
    0: gettext_lazy("as many mistakes"),
}
# For a person's image: lower scores are noise, and responses for hundreds of images must stay small.
LEAST_KEPT, MOST_KEPT = 0.01, 100
COLOURS = 8  # of ``box-…`` in ``slipway.css``


class Detection(Task):
    name = "detection"
    # The teacher draws boxes on images, so it may read them at its own size.
    teaching = "model.slim.onnx"
    teaches_any_size = True
    metric = "map"
    metric_title = "mAP"
    charts = (
        Chart(
            "loss",
            gettext_lazy("Loss"),
            (
                Line("train/loss", gettext_lazy("training"), gettext_lazy("Training loss")),
                Line("train/loss_vfl", gettext_lazy("classes")),
                Line("train/loss_bbox", gettext_lazy("boxes")),
                Line("train/loss_dfl", gettext_lazy("edges")),
            ),
        ),
        Chart(
            "map",
            gettext_lazy("mAP and AP50, %"),
            (
                Line("val/map", "mAP", gettext_lazy("Validation mAP, %, by epoch")),
                Line("val/ap50", "AP50", gettext_lazy("Validation AP50, %, by epoch")),
            ),
            share=True,
        ),
        LEARNING_RATE,
        SPEED,
    )
    class_columns = (
        Column("images", gettext_lazy("Images")),
        Column("boxes", gettext_lazy("Boxes")),
        Column("ap", "AP", "share"),
        Column("ap50", "AP50", "share"),
        Column("recall", gettext_lazy("Recall"), "share"),
        Column("precision", gettext_lazy("Precision"), "share"),
    )
    class_metric = "ap"
    second_metric = Column("ap50", "AP50", "share")
    scoring = scoring
    program_name = "detect"
    has_threshold = True
    pictures_order = gettext_lazy("most mistakes first")
    answer = staticmethod(
        record(
            {
                "boxes": many(
                    record(
                        {
                            "label_id": whole(0, MAX_LABEL_ID),
                            "label": text(MAX_NAME),
                            "score": number(0, 1, SCORE_SLACK),
                            "box": listed(
                                *[number(-MOST_PIXELS, MOST_PIXELS)] * 2, *[number(0, MOST_PIXELS)] * 2
                            ),
                        }
                    ),
                    MOST_BOXES,
                )
            },
            {"least_score": number(0, 1)},
        )
    )

    def doubts(self, metrics: dict[str, Any], before: dict[str, Any] | None) -> list[Doubt]:
        return detection_doubts.doubts(metrics, before)

    def change(self, row: dict[str, Any], names: list[str]) -> Change:
        was, now = (scoring.mistakes(row["truth"], row[side]) for side in ("before", "after"))
        fewer = sum(map(len, was)) - sum(map(len, now))
        gain = (fewer > 0) - (fewer < 0)
        return Change(
            row["image"].rpartition("/")[2],
            _boxes(len(row["truth"])),
            _boxes(len(row["before"])),
            _boxes(len(row["after"])),
            right=gain >= 0,
            drift=row["drift"],
            gain=gain,
            gained=GAINED[gain],
            overlay=overlay(row, names, {"truth": row["truth"], "lost": row["lost"], "new": row["new"]}),
            sides=(
                overlay(row, names, {"truth": row["truth"], "found": row["before"], "lost": row["lost"]}),
                overlay(row, names, {"truth": row["truth"], "found": row["after"], "new": row["new"]}),
            ),
        )

    def pictures(
        self, predictions: list[Prediction], truth: int | None, answer: int | None, names: list[str]
    ) -> list[Shown]:
        """The images with missed boxes of class ``truth`` or extra boxes of class ``answer``, of any class
        if None; those with the most first.
        """
        threshold, found = scoring.best_threshold(predictions), []
        for row in predictions:
            missed, extra = scoring.mistakes(row["truth"], scoring.shown(row, threshold))
            if any(_fits(box, truth) for box in missed) or any(_fits(box, answer) for box in extra):
                found.append((row, missed, extra))
        found.sort(key=lambda one: (-len(one[1]) - len(one[2]), one[0]["image"]))
        return [_shown(*one, threshold, names) for one in found]

    def golden(self, predictions: list[Prediction], count: int) -> list[tuple[str, dict[str, Any]]]:
        """The images with the highest-scoring boxes, of as many classes as possible. For a model without
        confident boxes, any image, with nothing expected.
        """
        sure = {row["image"]: scoring.shown(row, SURE_SCORE)[:MOST_GOLDEN_BOXES] for row in predictions}
        chosen: list[str] = []
        seen: set[int] = set()
        while len(chosen) < min(count, len(sure)):
            left = [image for image in sure if image not in chosen]
            best = max(left, key=lambda image: _worth(sure[image], seen))
            if chosen and not sure[best]:
                break
            chosen.append(best)
            seen |= {box["label"] for box in sure[best]}
        return [(image, {"boxes": sure[image]}) for image in chosen]

    def kept(self, answer: dict[str, Any]) -> dict[str, Any]:
        fields = super().kept(answer)
        boxes = sorted(fields["boxes"], key=lambda box: -box["score"])[:MOST_KEPT]
        return {**fields, "boxes": [box for box in boxes if box["score"] >= LEAST_KEPT]}

    def boxes(self, prediction: dict[str, Any], thresholds: Thresholds) -> list[dict[str, Any]]:
        sure = [box for box in prediction.get("boxes", []) if box["score"] >= thresholds.score]
        return suppressed(sure, thresholds.overlap)

    def view(
        self, prediction: dict[str, Any], size: tuple[int, int] | None, thresholds: Thresholds
    ) -> Predicted:
        shown = self.boxes(prediction, thresholds)
        drawn = tuple(
            Drawn(
                str(box["label_id"] % COLOURS),
                box["label"] or class_name(box["label_id"], []),
                box["score"],
                *box["box"],
                hidden=box not in shown,
            )
            for box in prediction["boxes"]
        )
        overlay = Overlay(*size, drawn) if size else None
        return Predicted(_boxes(len(shown)), None, overlay, prediction.get("least_score"))

    def least_sure(self, prediction: dict[str, Any], thresholds: Thresholds) -> float | None:
        return min((box["score"] for box in self.boxes(prediction, thresholds)), default=None)

    def margin(self, prediction: dict[str, Any], thresholds: Thresholds) -> float | None:
        """Of two boxes of different classes at one place, the closest ones in score."""
        shown = self.boxes(prediction, thresholds)
        return min(
            (
                abs(one["score"] - other["score"])
                for one, other in itertools.combinations(shown, 2)
                if one["label_id"] != other["label_id"] and iou(one["box"], other["box"]) >= IOU
            ),
            default=None,
        )

    def differ(self, before: dict[str, Any], after: dict[str, Any], thresholds: Thresholds) -> bool:
        was, now = self.boxes(before, thresholds), self.boxes(after, thresholds)
        return len(was) != len(now) or None in match(was, now)

    def label_of(self, prediction: dict[str, Any], thresholds: Thresholds) -> list[list[Any]]:
        return [
            [box["label"] or class_name(box["label_id"], []), *box["box"]]
            for box in self.boxes(prediction, thresholds)
            if min(box["box"][2:]) >= 1
        ]

    def proposed(
        self, prediction: Prediction, classes: list[int | None], least_score: float
    ) -> tuple[list[list[float]], float] | None:
        """Boxes as [the dataset's class, left, top, width, height], at least a pixel wide and high."""
        sure = [
            box
            for box in scoring.shown(prediction, least_score)
            if classes[box["label"]] is not None and min(box["box"][2:]) >= 1
        ]
        if not sure:
            return None
        return [[classes[box["label"]], *box["box"]] for box in sure], min(box["score"] for box in sure)

    def prediction(self, row: Prediction, answer: dict[str, Any]) -> Prediction:
        known = {key: row[key] for key in ("image", "width", "height", "truth")}
        if "boxes" not in answer:
            return {**known, "boxes": None}
        boxes = [
            {"label": one["label_id"], "score": one["score"], "box": one["box"]} for one in answer["boxes"]
        ]
        return {**known, "boxes": sorted(boxes, key=lambda box: -box["score"])}

    def fault(self, answer: dict[str, Any], classes: int) -> str:
        if all(box["label_id"] < classes for box in answer["boxes"]):
            return ""
        return msg("a label that is not one of the {classes} classes", classes=classes)


def _fits(box: Box, label: int | None) -> bool:
    return label is None or box["label"] == label


def _worth(boxes: list[Box], seen: set[int]) -> tuple[int, float]:
    """How many new classes an image adds, and the total score of its boxes."""
    return len({box["label"] for box in boxes} - seen), sum(box["score"] for box in boxes)


def _shown(row: Prediction, missed: list[Box], extra: list[Box], threshold: float, names: list[str]) -> Shown:
    kinds = {"truth": row["truth"], "found": scoring.shown(row, threshold), "lost": missed, "new": extra}
    return Shown(
        row["image"].rpartition("/")[2],
        _boxes(len(row["truth"])),
        _("%(missed)s missed, %(extra)s extra") % {"missed": len(missed), "extra": len(extra)},
        None,
        right=False,
        overlay=overlay(row, names, kinds),
    )


def overlay(row: dict[str, Any], names: list[str], kinds: dict[str, list[Box]]) -> Overlay:
    """The boxes of each kind over an image; a box of several kinds is drawn as the last of them."""
    drawn = {
        (box["label"], *box["box"]): Drawn(
            kind, class_name(box["label"], names), box.get("score"), *box["box"]
        )
        for kind, boxes in kinds.items()
        for box in boxes
    }
    return Overlay(row["width"], row["height"], tuple(drawn.values()))


def _boxes(count: int) -> str:
    return ngettext("%(count)s box", "%(count)s boxes", count) % {"count": count}
