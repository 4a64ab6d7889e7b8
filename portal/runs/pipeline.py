"""The one place that decides what a run does next, and what its status is."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone

from portal.jobs import services as jobs
from portal.jobs.models import ACTIVE, FINAL, Job, Priority, Status
from portal.notify import services as notify
from portal.runs.models import Run

EVENTS = {Status.SUCCEEDED: "run.finished", Status.FAILED: "run.failed"}


def advance(run: Run) -> None:
    """Start every step whose inputs are ready, then write down what the run's status is now.

    May be called at any time and any number of times: a step that has a job is left alone.
    """
    with transaction.atomic():
        run = Run.objects.select_for_update().get(pk=run.pk)
        if run.is_final:
            return
        if run.cancelled_by_id is None:
            _start_ready_steps(run)
        _write_status(run)


def after_job(job: Job) -> None:
    """Called when a step of a run is final."""
    for run in runs_of(job):
        advance(run)


def runs_of(job: Job) -> list[Run]:
    """The runs that wait for this job."""
    waiting = list(Run.objects.filter(dataset_version__job=job, status__in=ACTIVE))
    return waiting or runs_with(job)


def runs_with(job: Job) -> list[Run]:
    """The run that this job is a step of; none for a job of another kind, or one that a retry replaced."""
    paths = {"train": "trained_model__job", "convert": "compiled_models__job", "deploy": "deployments__job"}
    return list(Run.objects.filter(**{paths[job.kind]: job})) if job.kind in paths else []


def sweep() -> None:
    """Advance every run that is not final: what a process that died had no time to do."""
    for run in Run.objects.filter(status__in=ACTIVE):
        advance(run)


def _start_ready_steps(run: Run) -> None:
    trained = run.trained_model
    if trained.job is None and run.dataset_version.is_ready and not run.dataset_version.blockers:
        _start("train", run, trained)
    if trained.job is None or trained.job.status != Status.SUCCEEDED:
        return
    for compiled in run.compiled_models.select_related("job"):
        if compiled.job is None:
            _start("convert", run, compiled, trained.job)
        elif compiled.job.status == Status.SUCCEEDED:
            for deployment in compiled.deployments.filter(job=None):
                _start("deploy", run, deployment, compiled.job)


def _start(kind: str, run: Run, row, before: Job | None = None) -> None:
    """Queue a step with the priority of the one ``before``, which an administrator may have changed."""
    priority = before.priority if before else Priority.NORMAL
    row.job = jobs.submit(kind, run.team, run.created_by, priority=priority)
    row.save(update_fields=["job"])


def _write_status(run: Run) -> None:
    chain = _chain(run)
    status, message = _judge(chain, cancelled=run.cancelled_by_id is not None)
    if status in ACTIVE and run.dataset_version.blockers:
        status, message = Status.FAILED, run.dataset_version.blockers[0]
    finished = timezone.now() if status in FINAL else None
    Run.objects.filter(pk=run.pk).update(status=status, message=message, finished_at=finished)
    run.status, run.message = status, message
    if status in EVENTS:
        notify.emit(EVENTS[status], run.team, run)


def _chain(run: Run) -> list[Job | None]:
    """Every step of the plan; None for one that was not started."""
    found = [run.dataset_version.job, run.trained_model.job]
    found += [model.job for model in run.compiled_models.select_related("job")]
    found += [deployment.job for deployment in run.deployments.newest().select_related("job")]
    return found


def _judge(chain: list[Job | None], cancelled: bool) -> tuple[str, str]:
    """The run's status from its steps'. One failed branch does not stop the others."""
    steps = [job for job in chain if job is not None]
    failed = [job for job in steps if job.status == Status.FAILED]
    stopped = [job for job in steps if job.status == Status.CANCELLED]
    active = [job for job in steps if job.status in ACTIVE]
    if cancelled:
        # The version's own job is not the run's: others may wait for it, and it goes on.
        if any(job in active for job in chain[1:]):
            return Status.CANCELLING, ""
        return Status.CANCELLED, ""
    if active:
        started = any(job.status != Status.QUEUED for job in steps)
        return (Status.RUNNING if started else Status.QUEUED), ""
    if failed:
        return Status.FAILED, failed[0].message
    if stopped:
        return Status.CANCELLED, "A step was cancelled."
    if None in chain:
        return Status.RUNNING, ""
    return Status.SUCCEEDED, ""
