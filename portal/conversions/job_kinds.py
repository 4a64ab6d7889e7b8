"""The kind of job that compiles a model."""

from __future__ import annotations

from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from portal.conversions import services
from portal.conversions.models import CompiledModel
from portal.jobs import kinds
from portal.jobs.subjects import Subject
from portal.runs import pipeline
from portal.runs.services import revive


def register() -> None:
    kinds.register(
        kinds.Kind(
            name="convert",
            title=_("Convert"),
            queue="convert",
            time_limit=4 * 3600,
            prepare=services.prepare,
            complete=services.complete,
            replace=services.replace,
            revive=revive,
            subjects=_subjects,
            after=pipeline.after_job,
        )
    )


def _subjects(ids: set[int]) -> dict[int, Subject]:
    return {
        model.job_id: Subject(str(model), reverse("run-detail", args=[model.run_id]))
        for model in CompiledModel.objects.filter(job__in=ids).select_related("run")
    }
