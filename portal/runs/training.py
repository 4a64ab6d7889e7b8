"""The train kind: from a run's parameters to the train program's spec, and back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.conf import settings

from portal.core import configs
from portal.datasets.staged_cache import staged
from portal.jobs.execution import job_folder
from portal.jobs.kinds import Invocation
from portal.jobs.models import ErrorKind, Job
from portal.runs import pretrained


def prepare(job: Job, folder: Path) -> Invocation:
    run = job.trained_model.run
    recipe = configs.recipes()[run.recipe]
    version = run.dataset_version
    weights, notice = None, "Trained from scratch, as chosen."
    if run.params["pretrained"]:
        weights, notice = pretrained.find(recipe)
    return Invocation(
        argv=settings.TRAIN_PROGRAM,
        inputs={
            "dataset": str(staged(version)),
            "pretrained": str(weights) if weights else None,
            "resume": _earlier_folder(job),
        },
        params={
            "recipe": recipe,
            "num_classes": len(version.class_names),
            "class_names": version.class_names,
            **{
                name: run.params[name]
                for name in ("input_size", "epochs", "batch_size", "learning_rate", "augmentation", "seed")
            },
            "paddleclas_dir": str(settings.PADDLECLAS_DIR) if settings.PADDLECLAS_DIR else None,
            "device": settings.TRAIN_DEVICE,
            "pretrained_notice": notice,
        },
        **_means(settings.TRAIN_DEVICE),
    )


def _means(device: str) -> dict[str, Any]:
    """What a training may use. Drivers of graphics cards reserve far more memory than there is, and several
    cards talk to each other through sockets."""
    on_cpu = device == "cpu"
    return {
        "data_bytes": (settings.TRAIN_MEMORY_BYTES or None) if on_cpu else None,
        "gpu": not on_cpu,
        "sockets": "," in device,
        "reads": (str(settings.PADDLECLAS_DIR),) if settings.PADDLECLAS_DIR else (),
    }


def _earlier_folder(job: Job) -> str | None:
    """The folder of the attempt that this job resumes, when its worker was lost on this host."""
    lost = job.retry_of
    if lost is None or lost.error_kind != ErrorKind.LOST:
        return None
    folder = job_folder(lost)
    return str(folder) if folder.is_dir() else None


def complete(job: Job, result: dict) -> None:
    trained = job.trained_model
    trained.facts = {key: value for key, value in result.items() if key != "ok"}
    trained.save(update_fields=["facts"])


def replace(old: Job, new: Job) -> None:
    type(old.trained_model).objects.filter(job=old).update(job=new)
