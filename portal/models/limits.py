"""Whether a figure meets a limit, and the sentence if it does not: for runs and for deployment policies."""

from __future__ import annotations

from portal.core.messages import word
from portal.models.models import Evaluation
from portal.tasks import Task
from portal.tasks.doubts import percent
from workers.contract.messages import Message, msg

# Figures are fractions of whole images: a value equal to a limit must not miss it by rounding.
SLACK = 1e-9


def exceeds(value: float, most: float) -> bool:
    return value > most + SLACK


def lost_too_much(title: Message, task: Task, measured: Evaluation, drop: float, most: float) -> Message:
    """``title`` is the stage as the subject of the sentence."""
    return msg(
        "{stage} lost {points} points of {metric} on {images}; {most} are allowed.",
        stage=title,
        points=points(drop),
        metric=word(task.metric_title),
        images=measured.measured_on,
        most=points(most),
    )


def too_low(title: Message, task: Task, measured: Evaluation, least: float) -> Message:
    return msg(
        "{stage}: {metric} is {value} on {images}; at least {least} is required.",
        stage=title,
        metric=word(task.metric_title),
        value=percent(measured.value),
        images=measured.measured_on,
        least=percent(least),
    )


def points(share: float) -> str:
    return f"{100 * share:.2f}".rstrip("0").rstrip(".")
