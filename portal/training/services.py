"""Training: from a model's plan to the train program's spec, and from its result to the model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from billiard import current_process
from django.conf import settings
from django.db import transaction

from portal.core import configs
from portal.datasets.models import DatasetVersion
from portal.datasets.staged_cache import staged
from portal.jobs import checkpoints
from portal.jobs import services as jobs
from portal.jobs.kinds import Invocation
from portal.jobs.models import Job, Priority
from portal.models import evaluations
from portal.models.models import Model
from portal.training import methods, pretrained

KIND = "train"
# Model parameters that go into the spec unchanged.
SPEC_PARAMS = ("input_size", "epochs", "batch_size", "learning_rate", "augmentation", "seed")


@transaction.atomic
def start(
    version: DatasetVersion,
    user,
    *,
    name: str,
    task: str,
    recipe: str,
    params: dict,
    method: dict,
    priority: int = Priority.NORMAL,
) -> Model:
    """Queue the training of a model on a dataset version; ``method`` is one of ``methods.py``, or empty.

    Raises QuotaReached.
    """
    return Model.objects.create(
        team=version.team,
        created_by=user,
        name=name,
        task=task,
        recipe=recipe,
        params={**params, "method": method},
        **methods.lineage(method),
        dataset_version=version,
        job=jobs.submit(KIND, version.team, user, priority=priority, variant=recipe),
    )


def prepare(job: Job, folder: Path) -> Invocation:
    model = job.model
    recipe = configs.recipes()[model.recipe]
    version = model.dataset_version
    method = methods.settings(model)
    device = device_of_slot()
    weights = notice = None
    if model.params["pretrained"] and model.parent_id is None:
        weights, notice = pretrained.find(recipe)
    return Invocation(
        argv=settings.TRAIN_PROGRAM,
        inputs={
            "dataset": str(staged(version)),
            "pretrained": str(weights) if weights else None,
            "resume": _earlier_folder(job),
            **methods.inputs(model, folder),
        },
        params={
            "task": model.task,
            "recipe": configs.as_dict(recipe),
            "num_classes": len(version.class_names),
            "class_names": version.class_names,
            **{name: model.params[name] for name in SPEC_PARAMS},
            "checkouts": _checkouts(),
            "device": device,
            "pretrained_notice": notice,
            "method": method,
        },
        **_means(device),
    )


def device_of_slot() -> str:
    """The device of this process of Celery's pool: one training at a time on each."""
    slot = getattr(current_process(), "index", 0) or 0
    return settings.TRAIN_DEVICES[slot % len(settings.TRAIN_DEVICES)]


def _means(device: str) -> dict[str, Any]:
    """The resource limits of a training. GPU drivers reserve far more memory than exists, and several GPUs
    communicate through sockets.
    """
    on_cpu = device == "cpu"
    return {
        "data_bytes": (settings.TRAIN_MEMORY_BYTES or None) if on_cpu else None,
        "gpu": not on_cpu,
        "sockets": "," in device,
        "reads": tuple(_checkouts().values()),
    }


def _checkouts() -> dict[str, str]:
    """The training suites that are checkouts of their upstream repositories, by name."""
    folders = {"PaddleClas": settings.PADDLECLAS_DIR, "PaddleDetection": settings.PADDLEDET_DIR}
    return {name: str(folder) for name, folder in folders.items() if folder}


def _earlier_folder(job: Job) -> str | None:
    """The folder of the attempt that this job resumes, if its worker was lost or stopped."""
    folder = checkpoints.earlier(job)
    return str(folder) if folder else None


def complete(job: Job, result: dict) -> None:
    model = job.model
    model.facts = {key: value for key, value in result.items() if key not in ("ok", "evaluations")}
    model.save(update_fields=["facts"])
    evaluations.record(job, result["evaluations"], model)


def replace(old: Job, new: Job) -> None:
    Model.objects.filter(job=old).update(job=new)
