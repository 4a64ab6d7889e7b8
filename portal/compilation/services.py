"""Compilation: from a model to the convert program's spec, and from its result to a compiled model."""

from __future__ import annotations

from pathlib import Path

from django.conf import settings
from django.db import transaction

from portal.compilation.quantization import whole
from portal.core import configs
from portal.core.files import fetch_artifact
from portal.datasets.staged_cache import staged
from portal.jobs import services as jobs
from portal.jobs.kinds import Invocation
from portal.jobs.models import Job, Priority
from portal.models import evaluations
from portal.models.evaluations import Evaluated
from portal.models.file_names import rknn_name
from portal.models.lineage import provenance
from portal.models.models import CompiledModel, Evaluation, Model
from portal.tasks import Stage

KIND = "convert"
RKNN = "model.rknn"


@transaction.atomic
def start(
    model: Model, user, *, chip: str, channel_order: str, quantization: dict, priority: int = Priority.NORMAL
) -> CompiledModel:
    """Queue the compilation of a trained model for a chip. The first compiled model for a chip becomes the
    chosen one.
    """
    target = {"model": model, "chip": chip, "channel_order": channel_order}
    return CompiledModel.objects.create(
        **target,
        quantization=quantization,
        chosen=not CompiledModel.objects.filter(**target, chosen=True).exists(),
        job=jobs.submit(KIND, model.team, user, priority=priority, variant=model.recipe),
    )


def prepare(job: Job, folder: Path) -> Invocation:
    compiled = job.compiled_model
    model, wanted = compiled.model, whole(compiled.quantization)
    onnx = fetch_artifact(model.job, "model.slim.onnx", folder / "inputs" / "model.onnx")
    return Invocation(
        argv=settings.CONVERT_PROGRAM,
        inputs={
            "onnx": str(onnx),
            "dataset": str(staged(model.dataset_version)),
            "onnx_predictions": _known_predictions(compiled, folder / "inputs" / "predictions.json"),
        },
        params={
            "task": model.task,
            "chip": configs.as_dict(configs.chips()[compiled.chip]),
            "channel_order": compiled.channel_order,
            "mean": model.facts["mean"],
            "std": model.facts["std"],
            "input_size": model.facts["input_size"],
            "class_names": model.class_names,
            "class_map": model.class_map,
            "calibration": {
                "count": wanted["calibration_images"],
                "seed": wanted["seed"],
                "choice": wanted["choice"],
            },
            "quantization": {name: wanted[name] for name in ("dtype", "algorithm", "method", "int16_layers")},
            "provenance": provenance(compiled),
        },
        data_bytes=settings.CONVERT_MEMORY_BYTES or None,
    )


def _known_predictions(compiled: CompiledModel, target: Path) -> str | None:
    """The model's float predictions, if an earlier conversion stored them: they do not depend on settings."""
    earlier = Evaluation.objects.filter(model=compiled.model_id, stage=Stage.ONNX).select_related("job")
    for row in earlier.order_by("-pk")[:1]:
        if row.job.artifacts.filter(name=row.predictions).exists():
            return str(fetch_artifact(row.job, row.predictions, target))
    return None


def study(job: Job, artifacts: Path, result: dict) -> dict:
    """Compare the stages, outside the transaction: it reads predictions from storage."""
    model = job.compiled_model.model
    paddle = evaluations.predictions_of(Evaluated.of(model).find(Stage.PADDLE))
    earlier = {Stage.PADDLE: paddle} if paddle else {}
    compared = evaluations.compare_stages(model.task_class, result["evaluations"], artifacts, earlier)
    return result | {"evaluations": compared}


def complete(job: Job, result: dict) -> None:
    compiled = job.compiled_model
    compiled.facts = {key: value for key, value in result.items() if key not in ("ok", "evaluations")}
    compiled.save(update_fields=["facts"])
    evaluations.record(job, result["evaluations"], compiled.model, compiled)


def replace(old: Job, new: Job) -> None:
    CompiledModel.objects.filter(job=old).update(job=new)


def file_name(job: Job, name: str) -> str:
    """A download name with the model and its chip; None for a job that was replaced by a retry."""
    compiled = CompiledModel.objects.filter(job=job).first() if name == RKNN else None
    return rknn_name(compiled) if compiled else name.rsplit("/", 1)[-1]
