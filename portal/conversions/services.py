"""The convert kind: from a trained model to the convert program's spec, and back."""

from __future__ import annotations

from pathlib import Path

from django.conf import settings

from portal.conversions.models import CompiledModel
from portal.core import configs
from portal.core.files import fetch_artifact
from portal.datasets.staged_cache import staged
from portal.jobs.kinds import Invocation
from portal.jobs.models import Job


def prepare(job: Job, folder: Path) -> Invocation:
    compiled = job.compiled_model
    run, trained = compiled.run, compiled.run.trained_model
    onnx = fetch_artifact(trained.job, "model.slim.onnx", folder / "inputs" / "model.slim.onnx")
    facts = trained.facts
    return Invocation(
        argv=settings.CONVERT_PROGRAM,
        inputs={"onnx": str(onnx), "dataset": str(staged(run.dataset_version))},
        params={
            "chip": configs.chips()[compiled.chip],
            "channel_order": compiled.channel_order,
            "mean": facts["mean"],
            "std": facts["std"],
            "input_size": facts["input_size"],
            "class_names": run.dataset_version.class_names,
            "calibration": {"count": run.params["calibration_images"], "seed": run.params["seed"]},
            "quantization": {"dtype": None, "algorithm": "normal"},
            "provenance": provenance(compiled),
        },
        data_bytes=settings.CONVERT_MEMORY_BYTES or None,
    )


def provenance(compiled: CompiledModel) -> dict[str, str]:
    """Where a compiled model comes from; stored inside the ``.rknn`` and beside it."""
    run = compiled.run
    return {
        "run": str(run.pk),
        "run_name": run.name,
        "dataset": str(run.dataset_version),
        "dataset_sha256": run.dataset_version.content_hash,
        "recipe": run.recipe,
        "train_job": str(run.trained_model.job_id),
        "convert_job": str(compiled.job_id),
        "chip": compiled.chip,
    }


def complete(job: Job, result: dict) -> None:
    compiled = job.compiled_model
    compiled.facts = {key: value for key, value in result.items() if key != "ok"}
    compiled.save(update_fields=["facts"])


def replace(old: Job, new: Job) -> None:
    CompiledModel.objects.filter(job=old).update(job=new)
