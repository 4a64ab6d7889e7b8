"""Filters of jobs."""

from __future__ import annotations

from portal.core.filters import Created, OneOf, RowOf
from portal.datasets.models import Dataset
from portal.devices.models import Device
from portal.jobs import kinds
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
