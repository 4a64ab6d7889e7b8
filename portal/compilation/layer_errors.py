"""The error of each layer of a compiled model: measured in the simulator, with the worst layers."""

from __future__ import annotations

from pathlib import Path

from django.conf import settings
from django.db import transaction

from portal.compilation.models import LayerErrors
from portal.core.files import fetch_artifact
from portal.jobs import services as jobs
from portal.jobs.kinds import Invocation
from portal.jobs.models import IllegalTransition, Job, Priority
from portal.models.models import CompiledModel
from portal.teams import audit
from workers.contract.messages import msg

KIND = "layer-error"
IMAGES = 4
IMAGES_AT_MOST = 8  # one takes seconds
OFFERED = 6  # worst layers suggested for 16 bits
NOTABLE = 0.999  # the cosine of a layer's own error below which 16 bits are worthwhile
# Layers that only copy data or have no weights.
PLAIN = ("Input", "exDataConvert", "Reshape", "Output", "Transpose", "Concat", "Split")


@transaction.atomic
def measure(compiled: CompiledModel, user, images: int = IMAGES) -> LayerErrors:
    """Queue the measurement for a person. Raises QuotaReached, IllegalTransition."""
    jobs.refuse_if_full(compiled.model.team)
    row = CompiledModel.objects.select_for_update().get(pk=compiled.pk)
    if not compiled.is_ready or compiled.model.deleted_at is not None:
        raise IllegalTransition(msg("{model} is not ready: wait for its end.", model=str(compiled)))
    if not compiled.is_quantized:
        raise IllegalTransition(
            msg("{model} is a float model: it has no error of quantization.", model=str(compiled))
        )
    if any(one.job.is_active for one in row.layer_errors.select_related("job")):
        raise IllegalTransition(msg("Its layers are being measured already: wait for the end."))
    made = start(compiled, user, images=images)
    audit.record("compiled-model.layer-errors", compiled, team=compiled.model.team, actor=user)
    return made


def start(
    compiled: CompiledModel, user, *, images: int = IMAGES, search=None, priority: int = Priority.NORMAL
) -> LayerErrors:
    job = jobs.submit(KIND, compiled.model.team, user, priority=priority, variant=compiled.model.recipe)
    return LayerErrors.objects.create(compiled_model=compiled, job=job, images=images, search=search)


def prepare(job: Job, folder: Path) -> Invocation:
    row = job.layer_errors
    made, inputs = row.compiled_model.job, folder / "inputs"
    return Invocation(
        argv=settings.CONVERT_PROGRAM,
        inputs={
            "onnx": str(fetch_artifact(made, "build.onnx", inputs / "build.onnx")),
            "calibration": str(fetch_artifact(made, "calibration.zip", inputs / "calibration.zip")),
        },
        params={"images": row.images},
        data_bytes=settings.CONVERT_MEMORY_BYTES or None,
    )


def complete(job: Job, result: dict) -> None:
    row = job.layer_errors
    row.images, row.layers = result["images"], result["layers"]
    row.save(update_fields=["images", "layers"])


def replace(old: Job, new: Job) -> None:
    LayerErrors.objects.filter(job=old).update(job=new)


def worst(layers: list[dict]) -> list[str]:
    """The names of the layers with a significant error of their own, worst first."""
    found = [
        layer
        for layer in layers
        if layer["type"] not in PLAIN
        and layer["single_cosine"] is not None
        and layer["single_cosine"] < NOTABLE
    ]
    return [layer["name"] for layer in sorted(found, key=lambda layer: layer["single_cosine"])]
