"""The job kind that searches for a model that fits a board."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from portal.datasets import usage
from portal.fitting import search
from portal.fitting.models import FitSearch, Trial
from portal.jobs import hooks, kinds
from portal.jobs.kinds import Subject
from portal.runs import pipeline


def register() -> None:
    usage.add_user(lambda: FitSearch.objects.order_by().values("dataset_version"))
    hooks.on_end(search.after_any)
    # The search's own end is told instead.
    pipeline.keep_quiet(lambda run: Trial.objects.filter(run=run).exists())
    kinds.register(
        kinds.Kind(
            name=search.KIND,
            title=_("Find a model for a board"),
            queue="default",
            time_limit=600,
            perform=search.perform,
            complete=search.complete,
            replace=search.replace,
            claim=search.claim,
            held_up=search.held_up,
            after=search.after,
            subjects=_subjects,
        )
    )


def _subjects(ids: set[int]) -> dict[int, Subject]:
    rows = FitSearch.objects.filter(job__in=ids)
    return {row.job_id: Subject(row.name, row.get_absolute_url()) for row in rows}
