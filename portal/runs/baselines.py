"""Compares a run's compiled model with the deployed one, on the images that both may be judged by.

A version with images from boards asks for it: once such a run has compiled for a chip, the release that those
images came from is measured on the run's held-out images, in the same simulator. Images that either model was
trained on are left out, and the images from boards are counted apart: rules picked them, mostly because the
deployed model was unsure.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction

from portal.core.files import fetch_artifact
from portal.datasets import indexes
from portal.datasets.models import DatasetVersion
from portal.datasets.staged_cache import staged
from portal.deployment.models import Deployment
from portal.jobs import services as jobs
from portal.jobs.kinds import Invocation
from portal.jobs.models import Job, Status
from portal.models.evaluations import Evaluated, predictions_of
from portal.models.models import CompiledModel, Model
from portal.runs.models import Baseline, Step
from portal.tasks import Prediction, Stage, Task
from workers.contract import InputError
from workers.contract.messages import msg
from workers.contract.splits import TRAIN
from workers.datakit import sources
from workers.datakit.errors import StagingError
from workers.datakit.index import Filter, ImageRow
from workers.datakit.marks import FROM_BOARD

KIND = "baseline"
CONVERT = "convert"  # the kind of job whose result is compared
LOOKED_AT = 2000  # images from boards whose releases are looked up
MOST_IMAGES = 20_000
MOST_BYTES = 64 * 1024 * 1024  # of the program's predictions
ANCESTORS = 20


def after_job(job: Job) -> None:
    """Called when any job is final: compare what a step of a run has compiled, if its images ask for it."""
    if job.kind != CONVERT or job.status != Status.SUCCEEDED:
        return
    step = Step.objects.filter(job=job).select_related("run__dataset_version", "run__team").first()
    if step is not None:
        start(step.run, job.compiled_model)


def start(run, compiled: CompiledModel) -> Baseline | None:
    """Queue the comparison, once for each chip; None without images from boards, or after the first call."""
    try:
        found = releases_of(run.dataset_version)
    except StagingError:
        return None  # the run's own jobs say that the version is lost
    if not found:
        return None
    target = {"chip": compiled.chip, "channel_order": compiled.channel_order}
    deployed = _newest(run, compiled, found)
    with transaction.atomic():
        row, made = Baseline.objects.get_or_create(run=run, **target)
        if not made:
            return None
        if deployed is None:
            row.problem = msg(
                "The images from boards came from releases of other models or chips, or from ones that "
                "Slipway does not know: there is no deployed model to compare with."
            )
        else:
            _queue(row, compiled.model, deployed)
        row.save()
    return row


def _queue(row: Baseline, new: Model, deployed: Deployment) -> None:
    old = deployed.compiled_model.model
    row.compiled_model, row.release = deployed.compiled_model, deployed.release
    row.model_name, row.device_name = old.name, deployed.device.name
    if old.class_names != new.class_names or old.class_map or new.class_map:
        row.problem = msg("The deployed model has other classes than this one: the two cannot be compared.")
        return
    row.job = jobs.submit(KIND, row.run.team, row.run.created_by, variant=old.recipe)


def releases_of(version: DatasetVersion) -> set[str]:
    """The releases that had predicted the version's images from boards."""
    with indexes.opened(version) as index:
        if not index.marks().get(FROM_BOARD):
            return set()
        rows = index.page(Filter(mark=FROM_BOARD), limit=LOOKED_AT)
    return {source["release"] for row in rows if (source := sources.of(row))}


def _newest(run, compiled: CompiledModel, releases: set[str]) -> Deployment | None:
    """The last of these releases that was deployed, with a model of the same dataset, for the same chip."""
    rows = Deployment.objects.filter(
        release__in=list(releases)[:LOOKED_AT],
        device__team=run.team,
        compiled_model__chip=compiled.chip,
        compiled_model__channel_order=compiled.channel_order,
        compiled_model__model__task=run.task,
        compiled_model__model__dataset_version__dataset=run.dataset_version.dataset_id,
        compiled_model__model__deleted_at=None,
    )
    rows = rows.exclude(compiled_model__model=compiled.model_id).exclude(activated_at=None)
    found = rows.select_related("compiled_model__model__dataset_version", "device")
    return found.order_by("-activated_at", "-pk").first()


# --- which images ------------------------------------------------------------------------------


@dataclass
class Images:
    """The measured images, by the name that predictions have for them; ``in_training`` and ``known`` count
    those that are left out: images from boards in the run's training split, and measured images that an
    earlier model of either line was trained on.
    """

    held_out: set[str] = field(default_factory=set)
    from_boards: set[str] = field(default_factory=set)
    in_training: int = 0
    known: int = 0

    @property
    def all(self) -> list[str]:
        return sorted(self.held_out | self.from_boards)


def images_of(version: DatasetVersion, models: list[Model]) -> Images:
    """Sort the images of ``version``, on which the last of ``models`` was trained."""
    taught = _taught(version, models)
    found = Images()
    with indexes.opened(version) as index:
        for row in index.all():
            _sort(row, version.measured_split, taught, found)
    return found


def _sort(row: ImageRow, split: str, taught: set[str], found: Images) -> None:
    is_from_board = FROM_BOARD in row.marks
    if row.split == TRAIN and is_from_board:
        found.in_training += 1
    if row.split != split or row.is_unlabelled:
        return
    if row.sha256 in taught:
        found.known += 1
    else:
        (found.from_boards if is_from_board else found.held_out).add(f"images/{row.name}")


def _taught(version: DatasetVersion, models: list[Model]) -> set[str]:
    """The contents that these models, and those that they come from, were trained on."""
    versions = {version.pk: version}
    for model in models:
        for ancestor in _line(model):
            versions[ancestor.dataset_version_id] = ancestor.dataset_version
    found: set[str] = set()
    for one in versions.values():
        with indexes.opened(one) as index:
            found |= {sha256 for _id, sha256, _label, split in index.labels() if split == TRAIN}
    return found


def _line(model: Model) -> list[Model]:
    """The model and those whose weights it continued; a teacher's images count, too."""
    waiting, found = [model], []
    while waiting and len(found) < ANCESTORS:
        one = waiting.pop()
        found.append(one)
        waiting += [other for other in (one.parent, one.teacher) if other is not None]
    return found


# --- the job -----------------------------------------------------------------------------------


def prepare(job: Job, folder: Path) -> Invocation:
    row = job.baseline
    old = _deployed(row)
    chosen = _images(row).all[:MOST_IMAGES]
    if not chosen:
        raise InputError(
            msg("The deployed model was trained on every measured image: there is none to compare with.")
        )
    inputs = folder / "inputs"
    return Invocation(
        argv=settings.CONVERT_PROGRAM,
        inputs={
            "onnx": str(fetch_artifact(old.job, "build.onnx", inputs / "build.onnx")),
            "calibration": str(fetch_artifact(old.job, "calibration.zip", inputs / "calibration.zip")),
            "dataset": str(staged(row.run.dataset_version)),
        },
        params={"task": row.run.task, "class_names": old.model.class_names, "images": chosen},
        data_bytes=settings.CONVERT_MEMORY_BYTES or None,
    )


def _deployed(row: Baseline) -> CompiledModel:
    found = row.compiled_model
    if found is None or found.model.deleted_at is not None:
        raise InputError(msg("The deployed model was deleted: there is nothing to compare with."))
    return found


def _new(row: Baseline) -> CompiledModel:
    """The run's compiled model that is chosen for the chip."""
    target = {"chip": row.chip, "channel_order": row.channel_order, "chosen": True}
    found = CompiledModel.objects.filter(model__job__attempt_of__step__run=row.run, **target)
    compiled = found.select_related("model__parent", "model__teacher").order_by("-pk").first()
    if compiled is None:
        raise InputError(msg("The run's compiled model is gone: there is nothing to compare."))
    return compiled


def _images(row: Baseline) -> Images:
    return images_of(row.run.dataset_version, [_deployed(row).model, _new(row).model])


def study(job: Job, artifacts: Path, result: dict[str, Any]) -> dict[str, Any]:
    """Compare the two models, outside the transaction: it reads predictions and indexes."""
    row, entry = job.baseline, result["evaluations"][0]
    path = artifacts / entry["predictions"]
    if path.stat().st_size > MOST_BYTES:
        raise InputError(msg("The predictions of the deployed model are too large to be compared."))
    old = json.loads(path.read_text(encoding="utf-8"))
    compiled = _new(row)
    new = predictions_of(Evaluated.of(compiled.model).find(Stage.SIMULATOR, compiled.pk))
    images = _images(row)
    task, names = compiled.model.task_class, compiled.model.class_names
    figures = {
        "split": row.run.dataset_version.measured_split,
        "in_training": images.in_training,
        "known": images.known,
        "held_out": figures_of(task, names, _of(old, images.held_out), _of(new, images.held_out)),
        "from_boards": figures_of(task, names, _of(old, images.from_boards), _of(new, images.from_boards)),
    }
    return {key: value for key, value in result.items() if key != "evaluations"} | {"figures": figures}


def _of(rows: list[Prediction], wanted: set[str]) -> dict[str, Prediction]:
    return {row["image"]: row for row in rows if row["image"] in wanted}


def figures_of(
    task: Task, names: list[str], old: dict[str, Prediction], new: dict[str, Prediction]
) -> dict[str, Any]:
    """The two models on the images that both predicted: the metric of each, its interval, what changed."""
    both = [name for name in new if name in old]
    before, after = ([rows[name] for name in both] for rows in (old, new))
    compared = task.compare(before, after)
    found = {name: compared[name] for name in ("images", "before", "after", "changed", "lost", "gained")}
    intervals = [task.interval(task.summarise(rows, names)) if rows else None for rows in (before, after)]
    return found | dict(zip(("before_interval", "after_interval"), intervals, strict=True))


def complete(job: Job, result: dict[str, Any]) -> None:
    Baseline.objects.filter(job=job).update(figures=result["figures"])


def replace(old: Job, new: Job) -> None:
    Baseline.objects.filter(job=old).update(job=new)
