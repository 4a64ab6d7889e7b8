"""The data of the pages of variants and of one compiled model, loaded once per request. Read-only."""

from __future__ import annotations

from dataclasses import dataclass, field

from django.template.loader import render_to_string
from django.urls import reverse

from portal.compilation import layer_errors, quantization, variants
from portal.compilation.models import LayerErrors, QuantizationSearch
from portal.compilation.variants import Variant
from portal.core.live import Live
from portal.core.messages import shown
from portal.models import costs
from portal.models.models import CompiledModel, Model

SEARCHES_SHOWN = 5
AXES = ("cycles", "memory", "size")


@dataclass
class Target:
    """The variants for one chip and channel order."""

    chip: str
    channel_order: str
    variants: list[Variant] = field(default_factory=list)
    axes = AXES

    @property
    def has_picture(self) -> bool:
        return len([one for one in self.variants if one.is_measured]) > 1

    @property
    def points(self) -> list[dict]:
        """The points of the charts: each measured variant with its accuracy and cost."""
        measured = [one for one in self.variants if one.is_measured]
        rows = [(one, self._costs(one)) for one in measured]
        return [
            {
                "id": one.compiled.pk,
                "words": shown(quantization.words(one.settings)),
                "value": 100 * one.value,
                "chosen": one.compiled.chosen,
                **own,
                "best": [axis for axis in AXES if not _is_beaten(one, own, axis, rows)],
            }
            for one, own in rows
        ]

    @staticmethod
    def _costs(one: Variant) -> dict:
        facts = one.compiled.facts
        return {
            "cycles": one.compiled.cost.get("cycles"),
            "memory": one.memory,
            "size": facts.get("rknn_bytes"),
        }


def _is_beaten(one: Variant, own: dict, axis: str, rows: list) -> bool:
    """Whether another variant is as good at less cost, or better at the same cost."""
    here = own[axis]
    return here is None or any(
        theirs[axis] is not None
        and (other.value, -theirs[axis]) != (one.value, -here)
        and other.value >= one.value
        and theirs[axis] <= here
        for other, theirs in rows
    )


def targets(model: Model) -> list[Target]:
    rows = variants.variants_of(CompiledModel.objects.filter(model=model))
    found: dict[tuple[str, str], Target] = {}
    for one in rows:
        key = one.compiled.chip, one.compiled.channel_order
        found.setdefault(key, Target(*key)).variants.append(one)
    return list(found.values())


def variants_live(model: Model, request) -> Live:
    """The variants and searches of a model."""
    found = targets(model)
    searches = list(
        QuantizationSearch.objects.filter(model=model).select_related("job__created_by")[:SEARCHES_SHOWN]
    )
    rows = [one.compiled.job for target in found for one in target.variants]
    active = any(job.is_active for job in [*rows, *(one.job for one in searches)])
    context = {
        "model": model,
        "metric": model.task_class.metric_title,
        "targets": found,
        "searches": searches,
    }
    body = render_to_string("compilation/_variants.html", context, request=request)
    return Live("variants-live", reverse("model-variants-live", args=[model.pk]), body, active)


def compiled_live(compiled: CompiledModel, request) -> Live:
    """The latest layer errors of a compiled model, and any measurement in progress."""
    rows = list(LayerErrors.objects.filter(compiled_model=compiled).select_related("job")[:5])
    newest = next((row for row in rows if row.layers), None)
    latest = rows[0] if rows else None
    layers = newest.layers if newest else []
    context = {
        "compiled": compiled,
        "latest": latest,
        "errors": newest,
        "worst": layer_errors.worst(layers)[: layer_errors.OFFERED],
        "outliers": [layer for layer in layers if layer["outlier"] is not None],
        "curve": [
            [layer["name"], layer["cosine"], layer["single_cosine"], layer["outlier"] is not None]
            for layer in layers
        ],
        "can_widen": costs.chip_of(compiled) is not None and costs.chip_of(compiled).int8_only,
    }
    body = render_to_string("compilation/_layers.html", context, request=request)
    active = bool(latest and latest.job.is_active)
    return Live("layers-live", reverse("model-compiled-live", args=[compiled.pk]), body, active)
