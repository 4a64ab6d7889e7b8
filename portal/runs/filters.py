"""Filters of runs and deployments."""

import django_filters
from django.utils.translation import gettext_lazy as _

from portal.core import configs
from portal.core.filters import OneOf, RowOf, named, part_of
from portal.datasets.filters import Live
from portal.datasets.models import Dataset, DatasetVersion
from portal.devices.models import Device
from portal.jobs.models import Status
from portal.runs import search
from portal.runs.models import Run
from portal.teams.filters import Created


class RunFilter(Created):
    status = OneOf(Status.choices)
    dataset = RowOf(Dataset.objects.for_team, field_name="dataset_version__dataset")
    dataset_version = RowOf(DatasetVersion.objects.for_team)
    recipe = OneOf(named(configs.recipes()))
    preset = OneOf(named(configs.presets()))
    chip = OneOf(named(configs.chips()), field_name="steps__inputs__chip", many=True)
    device = RowOf(Device.objects.for_team, "steps__device")
    name = part_of("name")
    tag = django_filters.CharFilter(method="with_tag", help_text=_("a tag, in full"))
    q = django_filters.CharFilter(
        method="search", help_text=_("words in the name, notes, tags, message or the dataset's name")
    )

    def with_tag(self, rows, name, value):
        return rows.filter(pk__in=Run.tags.through.objects.filter(tag__name__iexact=value).values("run"))

    def search(self, rows, name, value):
        return search.find(rows, value)


class LiveRunFilter(Live, RunFilter):
    """For lists of runs: without deleted ones, unless requested."""
