"""Evaluations: store a job's measurements, compare stages, read predictions."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from portal.jobs.models import Job
from portal.models.models import CompiledModel, Evaluation, Model
from portal.tasks import Prediction, Task
from portal.tasks.base import BEFORE, Stage

MOST_BYTES = 256 * 1024 * 1024  # of a predictions file; larger ones are not read into memory


def compare_stages(
    task: Task, entries: list[dict[str, Any]], folder: Path, earlier: dict[str, list[Prediction]]
) -> list[dict[str, Any]]:
    """Give each entry of a result's ``evaluations`` its ``parity`` with the stage before it.

    ``folder`` holds the entries' predictions, ``earlier`` those of stages that other jobs measured.
    """
    known = dict(earlier)
    found = []
    for entry in entries:
        rows = json.loads((folder / entry["predictions"]).read_text(encoding="utf-8"))
        before = known.get(BEFORE.get(entry["stage"], ""))
        found.append(entry | {"parity": parity(task, entry["stage"], before, rows)})
        known[entry["stage"]] = rows
    return found


def parity(
    task: Task, stage: str, before: list[Prediction] | None, after: list[Prediction]
) -> dict[str, Any]:
    """What changed since the previous stage; empty if there is none."""
    return {} if before is None else {"stage": str(BEFORE[Stage(stage)]), **task.compare(before, after)}


def record(
    job: Job, entries: list[dict[str, Any]], model: Model, compiled: CompiledModel | None = None, device=None
) -> None:
    """Store the evaluations of a job's result."""
    Evaluation.objects.bulk_create(unsaved(job, entry, model, compiled, device) for entry in entries)


def unsaved(
    job: Job, entry: dict[str, Any], model: Model, compiled: CompiledModel | None = None, device=None
) -> Evaluation:
    """One entry of a result's ``evaluations`` as a row."""
    return Evaluation(
        job=job,
        model=model,
        compiled_model=compiled,
        device=device,
        stage=entry["stage"],
        engine=entry["engine"][:120],
        dataset_version=model.dataset_version,
        split=model.dataset_version.measured_split,
        images=entry["metrics"]["images"],
        value=entry["metrics"].get(model.task_class.metric),
        metrics=entry["metrics"],
        parity=entry.get("parity", {}),
        predictions=entry["predictions"],
    )


def predictions_of(evaluation: Evaluation | None) -> list[Prediction]:
    """The rows of an evaluation's predictions file; empty if it is gone."""
    if evaluation is None:
        return []
    artifact = evaluation.job.artifacts.filter(name=evaluation.predictions, size__lte=MOST_BYTES).first()
    if artifact is None:
        return []
    with artifact.file.open("rb") as source:
        return json.load(source)


class Evaluated:
    """The evaluations of one model, loaded once and looked up by stage, compiled model and device."""

    def __init__(self, rows: list[Evaluation]):
        self.rows = rows

    @classmethod
    def of(cls, model: Model | None) -> Evaluated:
        if model is None:
            return cls([])
        rows = model.evaluations.select_related("job").defer("job__result").order_by("id")
        return cls(list(rows))

    def find(
        self, stage: str, compiled_id: int | None = None, job_id: int | None = None
    ) -> Evaluation | None:
        """The newest matching evaluation; None if not measured."""
        fitting = (
            row
            for row in reversed(self.rows)
            if row.stage == stage
            and (compiled_id is None or row.compiled_model_id == compiled_id)
            and (job_id is None or row.job_id == job_id)
        )
        return next(fitting, None)

    @property
    def uncompiled(self) -> Evaluation | None:
        """The newest of the model itself: as trained, or of an imported one in ONNX."""
        return self.find(Stage.PADDLE) or self.find(Stage.ONNX)

    def before(self, row: Evaluation) -> Evaluation | None:
        """The evaluation that ``row.parity`` compares it with."""
        stage = BEFORE.get(Stage(row.stage))
        if stage is None:
            return None
        return self.find(stage, row.compiled_model_id if stage == Stage.SIMULATOR else None)
