"""The data of the start page, with a number of queries that does not grow with the team."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.urls import reverse
from django.utils import timezone

from portal.datasets.models import Dataset, DatasetVersion
from portal.devices import releases, unserved
from portal.devices.models import Device
from portal.jobs import subjects
from portal.jobs.models import ACTIVE, Job, Status
from portal.runs.models import Run

LATELY = timedelta(days=7)
SHOWN = 8
BOARDS_SHOWN = 12
# Jobs of runs are shown by their run; other active jobs are listed separately.
STEPS = ("train", "convert", "deploy")


@dataclass(frozen=True)
class Work:
    """Ongoing work: a run with its current step, or a job of its own."""

    words: str
    url: str
    status: str
    job: Job | None
    since: datetime
    by: object


@dataclass(frozen=True)
class Failure:
    """A recent failure. ``why`` is its stored message."""

    words: str
    url: str
    why: str
    at: datetime | None


def at_work(team) -> list[Work]:
    """Active runs, each with its current step, then checks, probes and inferences."""
    rows = (
        Run.objects.for_team(team)
        .live()
        .filter(status__in=ACTIVE)
        .select_related("created_by", "dataset_version__job")
        .prefetch_related("steps__job")[:SHOWN]
    )
    found = [
        Work(run.name, reverse("run-detail", args=[run.pk]), run.status, step, run.created_at, run.created_by)
        for run, step in ((run, _step(run)) for run in rows)
    ]
    jobs = list(
        Job.objects.for_team(team)
        .filter(status__in=ACTIVE)
        .exclude(kind__in=STEPS)
        .select_related("created_by")[:SHOWN]
    )
    about = subjects.of(jobs)
    for job in jobs:
        subject = about.get(job.pk)
        url = subject.url if subject else reverse("job-detail", args=[job.pk])
        words = subject.words if subject else str(job)
        found.append(Work(words, url, job.status, job, job.queued_at, job.created_by))
    return found


def _step(run: Run) -> Job | None:
    """A run's current job: the first running one, else the first queued one."""
    rows = [run.dataset_version, *run.steps.all()]
    jobs = [row.job for row in rows if row.job is not None and row.job.is_active]
    return next((job for job in jobs if job.status == Status.RUNNING), jobs[0] if jobs else None)


def failures(team) -> list[Failure]:
    """Runs and checks that failed within LATELY, newest first."""
    since = timezone.now() - LATELY
    runs = Run.objects.for_team(team).live().filter(status=Status.FAILED, finished_at__gte=since)[:SHOWN]
    found = [
        Failure(run.name, reverse("run-detail", args=[run.pk]), run.message, run.finished_at) for run in runs
    ]
    versions = (
        DatasetVersion.objects.for_team(team)
        .live()
        .filter(job__status=Status.FAILED, job__queued_at__gte=since)
        .select_related("dataset", "job")[:SHOWN]
    )
    for version in versions:
        url = reverse("dataset-version", args=[version.pk])
        found.append(Failure(str(version), url, version.job.message, version.job.finished_at))
    found.sort(key=lambda failure: failure.at or since, reverse=True)
    return found[:SHOWN]


def reviews(team) -> list[DatasetVersion]:
    """Uploads that wait for a person to confirm their format, newest first."""
    rows = DatasetVersion.objects.for_team(team).live().in_review().defer("reading")
    return list(rows.select_related("dataset", "job__created_by").order_by("-pk")[:SHOWN])


def boards(team) -> dict:
    """Devices with their current release, those with a problem first, and the number that are online."""
    rows = Device.objects.for_team(team).select_related("busy_with", "probe_job")
    devices = list(rows.prefetch_related("tags"))
    devices.sort(key=lambda device: not device.problem)
    unserved.mark(devices)
    current = releases.current(devices[:BOARDS_SHOWN])
    return {
        "boards": [(device, current.get(device.pk)) for device in devices[:BOARDS_SHOWN]],
        "boards_all": len(devices),
        "boards_well": len(
            [one for one in devices if one.seen_at and not one.problem and not one.is_unserved]
        ),
    }


def finished(team) -> list[Run]:
    rows = Run.objects.for_team(team).live().filter(status=Status.SUCCEEDED)
    return list(rows.for_lists()[:SHOWN])


def first_steps(team) -> list[tuple[str, bool]]:
    """First steps of a new team: (step, done); empty once all are done."""
    steps = [
        ("dataset", Dataset.objects.for_team(team).live().exists()),
        ("run", Run.objects.for_team(team).exists()),
        ("device", Device.objects.for_team(team).exists()),
    ]
    return [] if all(done for _step, done in steps) else steps
