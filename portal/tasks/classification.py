"""Classification: one label for a whole image."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _

from portal.core.untrusted import MAX_NAME, many, number, record, text, whole
from portal.tasks import classification_doubts
from portal.tasks.base import MAX_LABEL_ID, SCORE_SLACK, Prediction, Task
from portal.tasks.doubts import Doubt
from portal.tasks.figures import (
    LEARNING_RATE,
    LOSS,
    SPEED,
    Change,
    Chart,
    Column,
    Line,
    Predicted,
    Shown,
    Thresholds,
    class_name,
)
from workers.contract.messages import msg
from workers.datakit.scoring import classification as scoring
from workers.datakit.scoring.intervals import wilson

GAINED = {1: _("right now"), -1: _("wrong now"), 0: _("still wrong")}  # by a change's gain
# A golden image has a confident prediction: the board's own resizing may shift a score a little, and must not
# change the predicted class.
SURE_SCORE = 0.6
ANSWER = {
    "label_id": whole(0, MAX_LABEL_ID),
    "label": text(MAX_NAME),
    "score": number(0, 1, SCORE_SLACK),
}
MOST_TOP = 10  # classes that a board reports with scores, highest first


class Classification(Task):
    name = "classification"
    metric = "top1"
    metric_title = _("Top-1")
    charts = (
        LOSS,
        Chart(
            "top1",
            _("Top-1, %"),
            (
                Line("train/top1", _("training"), _("Training top-1, %")),
                Line("val/top1", _("validation"), _("Validation top-1, %, by epoch")),
            ),
            share=True,
        ),
        LEARNING_RATE,
        SPEED,
    )
    class_columns = (
        Column("images", _("Images")),
        Column("correct", _("Recognised")),
        Column("recall", _("Recall"), "share"),
        Column("precision", _("Precision"), "share"),
    )
    class_metric = "recall"
    scoring = scoring
    program_name = "classify"
    answer = staticmethod(record(ANSWER, {"top": many(record(ANSWER), MOST_TOP)}))

    def doubts(self, metrics: dict[str, Any], before: dict[str, Any] | None) -> list[Doubt]:
        return classification_doubts.doubts(metrics, before)

    def interval(self, metrics: dict[str, Any]) -> tuple[float, float] | None:
        if metrics.get(self.metric) is None:
            return None
        return wilson(round(metrics[self.metric] * metrics["images"]), metrics["images"])

    def proposed(
        self, prediction: Prediction, classes: list[int | None], least_score: float
    ) -> tuple[int, float] | None:
        """The dataset's class."""
        label, score = prediction["predicted"], prediction["score"]
        if label is None or score < least_score or classes[label] is None:
            return None
        return classes[label], score

    def change(self, row: dict[str, Any], names: list[str]) -> Change:
        truth, before, after = (class_name(row[key], names) for key in ("label", "before", "after"))
        right = row["after"] == row["label"]
        gain = right - (row["before"] == row["label"])
        return Change(
            row["image"].rpartition("/")[2],
            truth,
            before,
            after,
            right,
            row["drift"],
            gain,
            GAINED[gain] if row["label"] is not None else _("not known"),
            scores=tuple(row["scores"]),
        )

    def pictures(
        self, predictions: list[Prediction], truth: int | None, answer: int | None, names: list[str]
    ) -> list[Shown]:
        whole = truth is not None and answer is not None
        rows = [
            row
            for row in predictions
            if (truth is None or row["label"] == truth)
            and (answer is None or row["predicted"] == answer)
            and (whole or row["predicted"] != row["label"])
        ]
        rows.sort(key=lambda row: (-(row.get("score") or 0), row["image"]))
        return [
            Shown(
                row["image"].rpartition("/")[2],
                class_name(row["label"], names),
                class_name(row["predicted"], names),
                row.get("score"),
                right=row["predicted"] == row["label"],
            )
            for row in rows
        ]

    def view(
        self, prediction: dict[str, Any], size: tuple[int, int] | None, thresholds: Thresholds
    ) -> Predicted:
        top = tuple((_called(one), one["score"]) for one in prediction.get("top", ()))
        return Predicted(_called(prediction), prediction["score"], top=top)

    def margin(self, prediction: dict[str, Any], thresholds: Thresholds) -> float | None:
        """A board's library may report the best class only: then the rest of one is all that another could
        have.
        """
        top = sorted((one["score"] for one in prediction.get("top", ())), reverse=True)
        if len(top) > 1:
            return top[0] - top[1]
        return max(0.0, 2 * prediction["score"] - 1)

    def label_of(self, prediction: dict[str, Any], thresholds: Thresholds) -> str:
        return _called(prediction)

    def prediction(self, row: Prediction, answer: dict[str, Any]) -> Prediction:
        predicted, score = answer.get("label_id"), answer.get("score")
        return {"image": row["image"], "label": row["label"], "predicted": predicted, "score": score}

    def fault(self, answer: dict[str, Any], classes: int) -> str:
        if all(one["label_id"] < classes for one in (answer, *answer.get("top", ()))):
            return ""
        return msg("a label that is not one of the {classes} classes", classes=classes)

    def golden(self, predictions: list[Prediction], count: int) -> list[tuple[str, dict[str, Any]]]:
        """At most one image per class, highest score first. The label is the model's own, right or wrong,
        since the board runs that model.
        """
        best: dict[int, Prediction] = {}
        for row in predictions:
            held = best.get(row["predicted"])
            if held is None or row["score"] > held["score"]:
                best[row["predicted"]] = row
        ranked = sorted(best.values(), key=lambda row: (-row["score"], row["image"]))
        sure = [row for row in ranked if row["score"] >= SURE_SCORE] or ranked[:1]
        return [(row["image"], {"label_id": row["predicted"]}) for row in sure[:count]]


def _called(answer: dict[str, Any]) -> str:
    return answer["label"] or class_name(answer["label_id"], [])
