"""Runs measured images on the board's current release, and compares the predictions."""

from __future__ import annotations

import json
import statistics
from collections.abc import Callable
from pathlib import Path

from portal.deployment.models import Deployment
from portal.devices.answers import predict
from portal.devices.connection import BoardConnection
from portal.jobs.context import JobContext
from portal.jobs.execution import job_folder
from portal.models import evaluations
from portal.tasks import Stage, Task
from workers.contract.messages import msg_n

PREDICTIONS = "predictions.board.json"


def measure(
    deployment: Deployment,
    connection: BoardConnection,
    expected: list[dict],
    dataset: Path,
    context: JobContext,
    on_answer: Callable[[int, int], None],
) -> list[dict]:
    """Run the measured images on the board; return its evaluation, compared with the simulator's."""
    sample = spread(expected, deployment.board_images)
    if not sample:
        return []
    context.phase(
        msg_n(
            "measuring on the board with {count} image",
            "measuring on the board with {count} images",
            len(sample),
        )
    )
    files = [(row["image"], dataset / row["image"]) for row in sample]
    model, profile = deployment.compiled_model.model, deployment.device.board_profile
    names = model.class_names
    answers = predict(connection, profile, files, classes=len(names), on_answer=on_answer)
    rows = predictions(model.task_class, sample, answers.answers)
    metrics = model.task_class.summarise(rows, names) | times(rows)
    metrics["unanswered"] = sum(row["ms"] is None for row in rows)
    parity = evaluations.parity(model.task_class, Stage.BOARD, expected, rows)
    value, agreement = metrics[model.task_class.metric], parity["agreement"]
    context.log(
        f"{model.task_class.metric} {_share(value)} on {metrics['images']} images, "
        f"{_share(agreement)} as the simulator answers"
    )
    artifacts = job_folder(deployment.job) / "artifacts"
    artifacts.mkdir(parents=True, exist_ok=True)
    (artifacts / PREDICTIONS).write_text(json.dumps(rows, ensure_ascii=False), encoding="utf-8")
    engine = answers.done.get("engine", "")
    return [
        {
            "stage": Stage.BOARD,
            "engine": engine,
            "metrics": metrics,
            "parity": parity,
            "predictions": PREDICTIONS,
        }
    ]


def _share(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.2%}"


def spread(rows: list[dict], limit: int) -> list[dict]:
    """At most ``limit`` rows, evenly spaced over the list, which is ordered by image."""
    if len(rows) <= limit:
        return rows
    return [rows[index * len(rows) // limit] for index in range(limit)]


def predictions(task: Task, sample: list[dict], answers: list[dict]) -> list[dict]:
    """The board's predictions of the sample's images, with ``ms`` on the board; None if an image has none."""
    by_name = {one["image"]: one for one in answers}
    found = ((row, by_name.get(row["image"], {})) for row in sample)
    return [{**task.prediction(row, one), "ms": one.get("ms")} for row, one in found]


def times(rows: list[dict]) -> dict[str, float | None]:
    """Median and 95th percentile of the milliseconds per image; None without any."""
    known = sorted(row["ms"] for row in rows if row["ms"] is not None)
    return {
        "ms_median": round(statistics.median(known), 3) if known else None,
        "ms_p95": round(known[int(0.95 * (len(known) - 1))], 3) if known else None,
    }
