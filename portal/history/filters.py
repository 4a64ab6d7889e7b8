"""Filters of the history: one set for runs and one for jobs, with the same names."""

from __future__ import annotations

import datetime

import django_filters
from django.core.validators import MaxValueValidator, MinValueValidator
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from portal.core.filters import OneOf
from portal.jobs import kinds
from portal.jobs.filters import JobFilter
from portal.runs.filters import RunFilter

RUN = "run"
DAYS = (MinValueValidator(datetime.date(1970, 1, 1)), MaxValueValidator(datetime.date(2999, 12, 31)))


def all_kinds() -> list[tuple[str, str]]:
    """The kinds of entries with their titles: runs, and each kind of job."""
    return [(RUN, _("Run"))] + [(kind.name, kind.title) for kind in kinds.all_kinds()]


def _names():
    return [(name, name) for name, _title in all_kinds()]


class Days(django_filters.FilterSet):
    """Whole days in the server's time zone, including the last."""

    since = django_filters.DateFilter(method="from_day", validators=DAYS, help_text=_("first day"))
    until = django_filters.DateFilter(method="to_day", validators=DAYS, help_text=_("last day"))

    def from_day(self, rows, name, day):
        return rows.filter(created_at__gte=_moment(day))

    def to_day(self, rows, name, day):
        return rows.filter(created_at__lt=_moment(day + datetime.timedelta(days=1)))


def _moment(day: datetime.date) -> datetime.datetime:
    return timezone.make_aware(datetime.datetime.combine(day, datetime.time.min))


class RunEntries(Days, RunFilter):
    kind = OneOf(_names, method="of_kind")

    def of_kind(self, rows, name, value):
        return rows if RUN in value else rows.none()


class JobEntries(Days, JobFilter):
    kind = OneOf(_names, method="of_kind")

    def of_kind(self, rows, name, value):
        asked = [kind for kind in value if kind != RUN]
        return rows.filter(kind__in=asked) if asked else rows.none()
