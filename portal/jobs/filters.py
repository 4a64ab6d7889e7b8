"""Filters of jobs. Apps above add their own with ``add_filter``."""

from __future__ import annotations

import django_filters
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from portal.core.filters import OneOf, RowOf
from portal.jobs import kinds, search, sites
from portal.jobs.models import ErrorKind, Job, Status
from portal.teams.filters import Created


def _kinds():
    return [(kind.name, kind.name) for kind in kinds.all_kinds()]


def _queues():
    return [(name, name) for name in sorted({kind.queue for kind in kinds.all_kinds()})]


class InQueue(OneOf):
    """A queue with those of its sites."""

    def filter(self, rows, value):
        found = Q(queue__in=value)
        for name in value:
            found |= Q(queue__startswith=f"{name}.") if name in sites.BOARD_QUEUES else Q()
        return rows.filter(found) if value else rows


class JobFilter(Created):
    """Filters by the job itself. Apps above add ``run``, ``dataset``, ``device`` and others."""

    kind = OneOf(_kinds)
    queue = InQueue(_queues)
    site = django_filters.CharFilter(method="at_site", help_text=_("of the board that it is for, in full"))
    status = OneOf(Status.choices)
    error_kind = OneOf(ErrorKind.choices)
    retry_of = RowOf(Job.objects.for_team)
    q = django_filters.CharFilter(
        method="search", help_text=_("words in the message, the run's texts, names of datasets and devices")
    )

    def at_site(self, rows, name, value):
        return rows.filter(queue__in=[sites.queue_at(base, value) for base in sites.BOARD_QUEUES])

    def search(self, rows, name, value):
        return search.find(rows, value, self.request.team)


def add_filter(name: str, chosen: django_filters.Filter) -> None:
    """Add a filter of an app above. Call it while apps load, before any subclass exists."""
    JobFilter.declared_filters[name] = chosen
    JobFilter.base_filters[name] = chosen


def extend(name: str, *paths: str) -> None:
    """Let a filter by a row (``RowOf``), added by an app below, also find jobs by these lookups."""
    JobFilter.base_filters[name].paths += paths
