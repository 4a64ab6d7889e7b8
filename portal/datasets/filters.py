"""Filters of datasets, versions and uploads."""

import django_filters
from django.utils.translation import gettext_lazy as _

from portal.core.filters import OneOf, RowOf, part_of
from portal.datasets.models import Dataset
from portal.jobs.models import Status
from portal.teams.filters import Created, Person

TASKS = [("classification", _("classification")), ("detection", _("detection"))]


class Live(django_filters.FilterSet):
    """Without the deleted ones, unless those are asked for."""

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


class DatasetVersionFilter(Live, Created):
    person = Person("job__created_by")
    dataset = RowOf(Dataset.objects.for_team)
    status = OneOf(Status.choices, field_name="job__status", help_text=_("of the check"))
    task = OneOf(TASKS)
    content_hash = django_filters.CharFilter()


class UploadFilter(Created):
    dataset_name = django_filters.CharFilter(help_text=_("the dataset that it was announced for"))
