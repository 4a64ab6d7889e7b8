"""Doubts about a classifier, from its predictions on the measured images alone."""

from __future__ import annotations

from typing import Any

from portal.tasks.doubts import NAMED, QUANTIZATION, Doubt, Grade, named, percent
from workers.contract.messages import msg, msg_n

LOW = 0.8  # a lower top-1 is doubtful, whatever the number of classes
KEPT = 0.5  # a class that the earlier model recognized this often and this one never was lost
LABELS = msg("Check the labels of these classes and add images of them, then train again.")

Metrics = dict[str, Any]


def doubts(metrics: Metrics, before: Metrics | None) -> list[Doubt]:
    """``metrics`` of the model to grade, ``before`` of the model that it was converted from, if any."""
    rows = [row for row in metrics.get("per_class", []) if row["images"]]
    if len(rows) < 2 or metrics.get("top1") is None:
        return []
    worthless = _one_answer(metrics, before) or _no_better_than_guessing(metrics, rows)
    if worthless:
        return [worthless]
    return [doubt for doubt in (_unrecognized(rows, before), _low(metrics, rows)) if doubt]


def _answered(metrics: Metrics) -> list[int]:
    """The ids of the classes that the model predicts at all."""
    return [number for number, column in enumerate(zip(*metrics["confusion"], strict=True)) if sum(column)]


def _one_answer(metrics: Metrics, before: Metrics | None) -> Doubt | None:
    answered = _answered(metrics)
    if len(answered) > 1:
        return None
    lost = bool(before) and len(_answered(before)) > 1
    advice = QUANTIZATION if lost else msg("Check the labels, then train longer or with more images.")
    if not answered:
        return Doubt(Grade.WORTHLESS, msg("The model predicts no class for any image."), advice)
    name = metrics["per_class"][answered[0]]["name"]
    return Doubt(Grade.WORTHLESS, msg("The model predicts “{name}” for every image.", name=name), advice)


def _no_better_than_guessing(metrics: Metrics, rows: list[dict]) -> Doubt | None:
    largest = max(rows, key=lambda row: row["images"])
    chance = largest["images"] / sum(row["images"] for row in rows)
    if metrics["top1"] > chance:
        return None
    sentence = msg(
        "The model is right on {share} of the images. Always saying “{name}” would be right on {chance}.",
        share=percent(metrics["top1"]),
        name=largest["name"],
        chance=percent(chance),
    )
    return Doubt(Grade.WORTHLESS, sentence, msg("Check the labels, then train longer or with more images."))


def _unrecognized(rows: list[dict], before: Metrics | None) -> Doubt | None:
    """Classes without any recognized image, those lost in the conversion first."""
    missed = [row for row in rows if not row["correct"]]
    if not missed:
        return None
    earlier = {row["id"]: row["recall"] or 0 for row in (before or {}).get("per_class", [])}
    lost = [row for row in missed if earlier.get(row["id"], 0) >= KEPT]
    if lost:
        sentence = msg_n(
            "The conversion lost the class {names}: none of its images is recognized any more.",
            "The conversion lost the classes {names}: none of their images is recognized any more.",
            len(lost),
            names=named(lost),
        )
        return Doubt(Grade.DOUBTFUL, sentence, QUANTIZATION)
    sentence = msg("No image of {names} is recognized.", names=named(missed))
    return Doubt(Grade.DOUBTFUL, sentence, LABELS)


def _low(metrics: Metrics, rows: list[dict]) -> Doubt | None:
    if metrics["top1"] >= LOW:
        return None
    weakest = sorted(rows, key=lambda row: row["recall"])[:NAMED]
    sentence = msg("The model is right on {share} of the images only.", share=percent(metrics["top1"]))
    advice = msg(
        "Look at the mistakes, add images of the weakest classes ({names}), or train longer.",
        names=named(weakest),
    )
    return Doubt(Grade.DOUBTFUL, sentence, advice)
