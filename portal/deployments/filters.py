"""Filters of deployments."""

import django_filters

from portal.conversions.models import CompiledModel
from portal.core import configs
from portal.core.filters import OneOf, RowOf, named
from portal.devices.models import Device
from portal.jobs.models import Status
from portal.runs.models import Run


def _models(team):
    return CompiledModel.objects.filter(run__team=team)


class DeploymentFilter(django_filters.FilterSet):
    run = RowOf(Run.objects.for_team)
    device = RowOf(Device.objects.for_team)
    compiled_model = RowOf(_models)
    chip = OneOf(named(configs.chips()), field_name="compiled_model__chip")
    status = OneOf(Status.choices, field_name="job__status")
    release = django_filters.CharFilter()
