"""The job kind that lets a model propose labels."""

from __future__ import annotations

from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from portal.jobs import kinds
from portal.jobs.kinds import Subject
from portal.models.models import Prelabelling
from portal.prelabelling import services
from workers.contract.messages import msg


def register() -> None:
    kinds.register(
        kinds.Kind(
            name=services.KIND,
            title=_("Propose labels"),
            queue="convert",
            time_limit=2 * 3600,
            prepare=services.prepare,
            study=services.study,
            complete=services.complete,
            replace=services.replace,
            subjects=subjects,
        )
    )


def subjects(ids: set[int]) -> dict[int, Subject]:
    """The grid of the images with proposals."""
    rows = Prelabelling.objects.filter(job__in=ids).select_related("draft__base__dataset")
    return {
        row.job_id: Subject(
            msg("labels for {version}", version=row.draft.base),
            reverse("dataset-images", args=[row.draft.base_id]) + "?state=proposed",
        )
        for row in rows
    }
