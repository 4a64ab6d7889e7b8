"""Filters of searches."""

from __future__ import annotations

from django.db.models import Case, Q, QuerySet, Value, When

from portal.core.filters import OneOf
from portal.jobs.models import Status


class SearchStatus(OneOf):
    """Searches by the status that ``search_status.of`` gives."""

    def __init__(self):
        super().__init__(Status.choices)

    def filter(self, rows: QuerySet, value: list[str]) -> QuerySet:
        if not value:
            return rows
        is_at_work = Q(job__status=Status.QUEUED, decided=False)
        displayed = Case(When(is_at_work, then=Value(Status.RUNNING.value)), default="job__status")
        return rows.alias(displayed_status=displayed).filter(displayed_status__in=value)
