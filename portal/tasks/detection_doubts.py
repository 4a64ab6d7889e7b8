"""Doubts about a detector, from its predictions on the validation images alone."""

from __future__ import annotations

from typing import Any

from portal.tasks.doubts import NAMED, QUANTIZATION, Doubt, Grade, named, percent
from workers.contract.messages import msg, msg_n

NOTHING = 0.01  # a lower AP50 is chance
KEPT = 0.3  # a class with this AP50 in the earlier model and NOTHING in this one was lost
LOW = 0.5  # a lower AP50 is doubtful, whatever the data
FEW_BOXES = 50  # with fewer, a single box moves AP50 by points

Metrics = dict[str, Any]


def doubts(metrics: Metrics, before: Metrics | None) -> list[Doubt]:
    """``metrics`` of the model to grade, ``before`` of the model that it was converted from, if any."""
    if metrics.get("ap50") is None:
        return [_no_boxes()] if metrics.get("images") else []
    if metrics["ap50"] < NOTHING:
        return [_finds_nothing(before)]
    rows = [row for row in metrics["per_class"] if row["boxes"]]
    return [doubt for doubt in (_missed(rows, before), _low(metrics, rows), _few(metrics)) if doubt]


def _no_boxes() -> Doubt:
    return Doubt(
        Grade.DOUBTFUL,
        msg("No validation image has a box, so nothing was measured."),
        msg("Move images with boxes to the validation split, then train again."),
    )


def _finds_nothing(before: Metrics | None) -> Doubt:
    if before and (before.get("ap50") or 0) >= KEPT:
        sentence = msg("The conversion lost everything: the model finds no object any more.")
        return Doubt(Grade.WORTHLESS, sentence, QUANTIZATION)
    advice = msg(
        "Look at the boxes of the dataset and at the loss: train longer if it still falls, start from "
        "pretrained weights, or choose a larger input size if the objects are small."
    )
    return Doubt(Grade.WORTHLESS, msg("The model finds no object."), advice)


def _missed(rows: list[dict], before: Metrics | None) -> Doubt | None:
    """Classes of which nothing is found, those lost in the conversion first."""
    missed = [row for row in rows if row["ap50"] < NOTHING]
    if not missed:
        return None
    earlier = {row["id"]: row["ap50"] or 0 for row in (before or {}).get("per_class", [])}
    lost = [row for row in missed if earlier.get(row["id"], 0) >= KEPT]
    if lost:
        sentence = msg_n(
            "The conversion lost the class {names}: the model does not find it any more.",
            "The conversion lost the classes {names}: the model does not find them any more.",
            len(lost),
            names=named(lost),
        )
        return Doubt(Grade.DOUBTFUL, sentence, QUANTIZATION)
    return Doubt(
        Grade.DOUBTFUL,
        msg("The model does not find {names}.", names=named(missed)),
        msg("Check the boxes of these classes and add images of them, then train again."),
    )


def _low(metrics: Metrics, rows: list[dict]) -> Doubt | None:
    if metrics["ap50"] >= LOW:
        return None
    weakest = sorted(rows, key=lambda row: row["ap50"])[:NAMED]
    return Doubt(
        Grade.DOUBTFUL,
        msg("AP50 is {share} only.", share=percent(metrics["ap50"])),
        msg(
            "Look at the mistakes, add images of the weakest classes ({names}), or train longer.",
            names=named(weakest),
        ),
    )


def _few(metrics: Metrics) -> Doubt | None:
    if metrics["boxes"] >= FEW_BOXES:
        return None
    return Doubt(
        Grade.DOUBTFUL,
        msg_n(
            "There is only {count} box on the validation images.",
            "There are only {count} boxes on the validation images.",
            metrics["boxes"],
        ),
        msg("Add validation images before you rely on these figures."),
    )
