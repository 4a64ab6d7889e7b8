"""The job kinds that compile a model, measure its layer errors and search for a quantization."""

from __future__ import annotations

from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from portal.compilation import layer_errors, search, services
from portal.compilation.models import LayerErrors, QuantizationSearch
from portal.compilation.quantization import SettingsError
from portal.core import configs, refusals
from portal.datasets import usage
from portal.jobs import hooks, kinds
from portal.jobs.kinds import Subject
from portal.models.models import CompiledModel
from workers.contract.messages import msg


def register() -> None:
    usage.add_reading_jobs("compiled_model__model__dataset_version__content_hash")
    refusals.register(SettingsError, 400)
    hooks.on_end(search.after_any)
    kinds.register(
        kinds.Kind(
            name=services.KIND,
            title=_("Convert"),
            queue="convert",
            time_limit=4 * 3600,
            prepare=services.prepare,
            study=services.study,
            complete=services.complete,
            replace=services.replace,
            file_name=services.file_name,
            subjects=_variants,
        )
    )
    kinds.register(
        kinds.Kind(
            name=layer_errors.KIND,
            title=_("Measure layers"),
            queue="convert",
            time_limit=1800,
            prepare=layer_errors.prepare,
            complete=layer_errors.complete,
            replace=layer_errors.replace,
            subjects=_layers,
        )
    )
    kinds.register(
        kinds.Kind(
            name=search.KIND,
            title=_("Search quantization"),
            queue="default",
            time_limit=600,
            perform=search.perform,
            complete=search.complete,
            replace=search.replace,
            claim=search.claim,
            held_up=search.held_up,
            after=search.after,
            subjects=_searches,
        )
    )


def _variants(ids: set[int]) -> dict[int, Subject]:
    rows = CompiledModel.objects.filter(job__in=ids).select_related("model")
    return {row.job_id: Subject(str(row), reverse("model-compiled", args=[row.pk])) for row in rows}


def _layers(ids: set[int]) -> dict[int, Subject]:
    rows = LayerErrors.objects.filter(job__in=ids).select_related("compiled_model__model")
    return {
        row.job_id: Subject(
            str(row.compiled_model), reverse("model-compiled", args=[row.compiled_model_id]) + "#layers"
        )
        for row in rows
    }


def _searches(ids: set[int]) -> dict[int, Subject]:
    rows = QuantizationSearch.objects.filter(job__in=ids).select_related("model")
    return {
        row.job_id: Subject(
            msg("{run} for {chip}", run=row.model.name, chip=configs.title(configs.chips(), row.chip)),
            reverse("model-variants", args=[row.model_id]),
        )
        for row in rows
    }
