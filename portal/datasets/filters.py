"""Filters of datasets, versions and uploads."""

import django_filters
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from portal.core.filters import OneOf, RowOf, part_of
from portal.core.messages import lazy_shown
from portal.datasets.models import Dataset
from portal.datasets.states import REVIEW, Review
from portal.jobs.models import Status
from portal.teams.filters import Created, Person
from workers.datakit import tasks

TASKS = [(task.name, lazy_shown(task.title)) for task in tasks.TASKS.values()]


class Live(django_filters.FilterSet):
    """Without deleted ones, unless requested."""

    deleted = django_filters.BooleanFilter(
        method="those", help_text=_("the deleted ones instead, which can be restored for a while")
    )

    def those(self, rows, name, value):
        return rows  # see ``filter_queryset``

    def filter_queryset(self, queryset):
        deleted = bool(self.form.cleaned_data.get("deleted"))
        live = queryset.live()
        return super().filter_queryset(queryset.exclude(pk__in=live.values("pk")) if deleted else live)


class DatasetFilter(Live, Created):
    name = part_of("name")


class StatusOfVersion(OneOf):
    """The status of the check; or ``review`` if that succeeded and a person has not confirmed it."""

    def filter(self, rows, value):
        waiting = Q(job__status=Status.SUCCEEDED, review=Review.WAITING)
        wanted = Q(job__status__in=[one for one in value if one != REVIEW]) & ~waiting
        if REVIEW in value:
            wanted |= waiting
        return rows.filter(wanted) if value else rows


class DatasetVersionFilter(Live, Created):
    person = Person("job__created_by")
    dataset = RowOf(Dataset.objects.for_team)
    status = StatusOfVersion(
        [*Status.choices, (REVIEW, Review.WAITING.label)],
        help_text=_("of the check; review: it waits for a person"),
    )
    task = OneOf(TASKS)
    content_hash = django_filters.CharFilter()


class UploadFilter(Created):
    dataset_name = django_filters.CharFilter(help_text=_("the dataset that it was announced for"))
