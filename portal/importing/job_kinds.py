"""The job kinds that inspect model files and import them."""

from __future__ import annotations

from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from portal.importing import services
from portal.jobs import kinds
from portal.jobs.kinds import Subject
from portal.models.model_files import ModelFile
from workers.contract.messages import msg

TIME_LIMIT = 30 * 60


def register() -> None:
    kinds.register(
        kinds.Kind(
            name=services.INSPECT,
            title=_("Inspect a model"),
            queue="convert",
            time_limit=TIME_LIMIT,
            prepare=services.prepare_inspection,
            complete=services.complete_inspection,
            replace=services.replace_inspection,
            subjects=subjects,
        )
    )
    kinds.register(
        kinds.Kind(
            name=services.IMPORT,
            title=_("Import a model"),
            queue="convert",
            time_limit=TIME_LIMIT,
            prepare=services.prepare_import,
            complete=services.complete_import,
            replace=services.replace_import,
        )
    )


def subjects(ids: set[int]) -> dict[int, Subject]:
    """The inspected files."""
    return {
        file.job_id: Subject(msg("model file {name}", name=file.name), reverse("model-file", args=[file.pk]))
        for file in ModelFile.objects.filter(job__in=ids)
    }
