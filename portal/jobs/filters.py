"""Filters of jobs."""

from __future__ import annotations

import django_filters
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from portal.conversions.models import CompiledModel
from portal.core import configs
from portal.core.filters import Created, OneOf, RowOf, named
from portal.datasets.models import Dataset
from portal.deployments.models import Deployment
from portal.devices.models import Device
from portal.jobs import kinds, search
from portal.jobs.models import ErrorKind, Job, Status
from portal.runs.models import Run


def _kinds():
    return [(kind.name, kind.name) for kind in kinds.all_kinds()]


def _queues():
    return [(name, name) for name in sorted({kind.queue for kind in kinds.all_kinds()})]


class JobFilter(Created):
    """``run``, ``dataset`` and ``device``: what the job is a step of; one replaced by a retry is of none."""

    kind = OneOf(_kinds)
    queue = OneOf(_queues)
    status = OneOf(Status.choices)
    error_kind = OneOf(ErrorKind.choices)
    run = RowOf(
        Run.objects.for_team, "trained_model__run", "compiled_model__run", "deployment__run",
        "dataset_version__runs",
    )  # fmt: skip
    dataset = RowOf(
        Dataset.objects.for_team, "dataset_version__dataset", "trained_model__run__dataset_version__dataset",
        "compiled_model__run__dataset_version__dataset", "deployment__run__dataset_version__dataset",
    )  # fmt: skip
    device = RowOf(
        Device.objects.for_team, "deployment__device", "inference__device", "probed_devices",
    )  # fmt: skip
    retry_of = RowOf(Job.objects.for_team)
    recipe = OneOf(named(configs.recipes()), method="of_recipe")
    chip = OneOf(named(configs.chips()), method="for_chip")
    tag = django_filters.CharFilter(method="with_tag", help_text=_("a tag of the run, whole"))
    q = django_filters.CharFilter(
        method="search", help_text=_("words in the message, the run's texts, names of datasets and devices")
    )

    def of_recipe(self, rows, name, value):
        return rows.filter(search.steps_of(Run.objects.filter(recipe__in=value).order_by().values("pk")))

    def for_chip(self, rows, name, value):
        models = CompiledModel.objects.filter(chip__in=value).order_by()
        placed = Deployment.objects.filter(compiled_model__chip__in=value).order_by()
        return rows.filter(Q(pk__in=models.values("job")) | Q(pk__in=placed.values("job")))

    def with_tag(self, rows, name, value):
        return rows.filter(
            search.steps_of(Run.tags.through.objects.filter(tag__name__iexact=value).values("run"))
        )

    def search(self, rows, name, value):
        return search.find(rows, value, self.request.team)
