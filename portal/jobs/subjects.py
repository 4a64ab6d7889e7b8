"""What a job is about: the run, dataset or device whose page a reader wants to go to."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Q
from django.urls import reverse

from portal.conversions.models import CompiledModel
from portal.datasets.models import DatasetVersion
from portal.deployments.models import Deployment
from portal.devices.models import Device, Inference
from portal.jobs.models import Job
from portal.runs.models import Run, TrainedModel
from portal.teams.models import Role


@dataclass(frozen=True)
class Subject:
    words: str
    url: str


def of(jobs: list[Job]) -> dict[int, Subject]:
    """The subjects of many jobs by their id; a job that was retried has that of its last retry."""
    last = _last_retries(jobs)
    found = _of_ids(set(last.values()))
    return {pk: found[end] for pk, end in last.items() if end in found}


def _last_retries(jobs: list[Job]) -> dict[int, int]:
    """Each job's id with that of the retry which did its work in the end, or with its own.

    After more than three retries the middle ones lead nowhere, and their jobs have no subject.
    """
    ways = ["retried_by", "retried_by__retried_by", "retried_by__retried_by__retried_by"]
    rows = Job.objects.filter(pk__in=[job.pk for job in jobs]).order_by().values_list("pk", *ways)
    return {row[0]: [pk for pk in row if pk is not None][-1] for row in rows}


def _of_ids(ids: set[int]) -> dict[int, Subject]:
    found: dict[int, Subject] = {}
    for version in DatasetVersion.objects.filter(job__in=ids).select_related("dataset"):
        found[version.job_id] = Subject(str(version), reverse("dataset-version", args=[version.pk]))
    for trained in TrainedModel.objects.filter(job__in=ids).select_related("run"):
        found[trained.job_id] = _of_run(trained.run, trained.run.name)
    for model in CompiledModel.objects.filter(job__in=ids).select_related("run"):
        found[model.job_id] = _of_run(model.run, str(model))
    for row in Deployment.objects.filter(job__in=ids).select_related("run", "device"):
        found[row.job_id] = _of_run(row.run, str(row))
    for inference in Inference.objects.filter(job__in=ids).select_related("device"):
        url = reverse("inference-detail", args=[inference.device_id, inference.pk])
        found[inference.job_id] = Subject(inference.device.name, url)
    for device in Device.objects.filter(probe_job__in=ids):
        found[device.probe_job_id] = Subject(device.name, reverse("device-detail", args=[device.pk]))
    return found


def _of_run(run: Run, words: str) -> Subject:
    return Subject(words, reverse("run-detail", args=[run.pk]))


def run_of(job: Job) -> Run | None:
    """The run whose step this job is now; None for a check, a probe, an inference or a replaced job."""
    step = Q(trained_model__job=job) | Q(compiled_models__job=job) | Q(deployments__job=job)
    return Run.objects.filter(step).first()


def role_for(job: Job) -> str:
    """The least role that may cancel or retry a job: an operator's where that touches a board.

    Training and conversion count as well when their run goes on to a device: a retry ends there.
    """
    run = run_of(job)
    on_board = job.queue == "deploy" or (run is not None and run.deployments.exists())
    return Role.OPERATOR if on_board else Role.MEMBER
