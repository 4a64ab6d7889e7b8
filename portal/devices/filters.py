"""Filters of devices and inferences."""

from __future__ import annotations

import django_filters
from django.utils.translation import gettext_lazy as _

from portal.core import configs
from portal.core.filters import OneOf, RowOf, named, part_of
from portal.devices.models import Device
from portal.jobs.models import Status
from portal.teams.filters import Created


class WithChip(OneOf):
    """A device has the chip of its profile."""

    def filter(self, rows, value):
        if not value:
            return rows
        profiles = [name for name, book in configs.boards().items() if book.chip in value]
        return rows.filter(profile__in=profiles)


class DeviceFilter(Created):
    name = part_of("name")
    profile = OneOf(named(configs.boards()))
    chip = WithChip(named(configs.chips()))
    tag = django_filters.CharFilter(method="with_tag", help_text=_("a tag, in full"))

    site = django_filters.CharFilter(field_name="site", help_text=_("the name of a site, in full"))

    def with_tag(self, rows, name, value):
        return rows.filter(
            pk__in=Device.tags.through.objects.filter(devicetag__name__iexact=value).values("device")
        )


class InferenceFilter(Created):
    device = RowOf(Device.objects.for_team)
    status = OneOf(Status.choices, field_name="job__status")
