"""Filters of models, compiled models and evaluations."""

import django_filters

from portal.core import configs
from portal.core.filters import OneOf, RowOf, named
from portal.datasets.models import Dataset
from portal.devices.models import Device
from portal.jobs.models import Status
from portal.models.models import CompiledModel, Model, Origin
from portal.tasks import Stage
from portal.teams.filters import Created


class ModelFilter(Created):
    dataset = RowOf(Dataset.objects.for_team, field_name="dataset_version__dataset")
    recipe = OneOf(named(configs.recipes()))
    origin = OneOf(Origin.choices)
    status = OneOf(Status.choices, field_name="job__status")


class CompiledModelFilter(django_filters.FilterSet):
    model = RowOf(Model.objects.for_team)
    dataset = RowOf(Dataset.objects.for_team, field_name="model__dataset_version__dataset")
    recipe = OneOf(named(configs.recipes()), field_name="model__recipe")
    chip = OneOf(named(configs.chips()))
    status = OneOf(Status.choices, field_name="job__status")


class EvaluationFilter(django_filters.FilterSet):
    model = RowOf(Model.objects.for_team)
    compiled_model = RowOf(CompiledModel.objects.for_team)
    device = RowOf(Device.objects.for_team)
    stage = OneOf(Stage.choices)
