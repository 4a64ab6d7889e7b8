"""The one place that decides what a run does next, and its status."""

from __future__ import annotations

from collections.abc import Callable

from django.db import transaction
from django.utils import timezone

from portal import tasks
from portal.jobs.models import ACTIVE, FINAL, Job, Priority, Status
from portal.notify import services as notify
from portal.runs import newer
from portal.runs.models import Attempt, Run, Step
from portal.runs.step_kinds import KINDS, made_by
from workers.contract.messages import msg

_quiet: list[Callable[[Run], bool]] = []
EVENTS = {Status.SUCCEEDED: "run.finished", Status.FAILED: "run.failed"}


def keep_quiet(about: Callable[[Run], bool]) -> None:
    """Register whose end is told to nobody, because something above tells of it."""
    _quiet.append(about)


def advance(run: Run) -> None:
    """Start every step whose inputs are ready, then update the run's status.

    Safe to call at any time and repeatedly: a step with a job is left alone.
    """
    with transaction.atomic():
        run = Run.objects.select_for_update().get(pk=run.pk)
        if run.is_final:
            return
        steps = _load(run)
        refusals = _refusals(run)
        if run.cancelled_by_id is None and not refusals:
            _start_ready(run, steps)
        _write_status(run, steps, refusals)


def after_job(job: Job) -> None:
    """Called when any job is final: continue the runs of which it is a step, and those that wait for its
    dataset.
    """
    step = Step.objects.filter(job=job).select_related("run").first()
    runs = [step.run] if step else []
    runs += Run.objects.filter(dataset_version__job=job, status__in=ACTIVE)
    for run in runs:
        advance(run)


def after_retry(old: Job, new: Job) -> None:
    """Replace a job with its retry as the step's current attempt."""
    step = Step.objects.filter(job=old).first()
    if step is not None:
        begin(step, new)


def begin(step: Step, job: Job) -> None:
    """Make ``job`` the step's current attempt."""
    step.job = job
    step.save(update_fields=["job"])
    Attempt.objects.create(step=step, job=job, number=step.attempts.count() + 1)


def sweep() -> None:
    """Advance every run that is not final, in case a process died before it could."""
    for run in Run.objects.filter(status__in=ACTIVE):
        advance(run)


def _load(run: Run) -> list[Step]:
    steps = list(run.steps.select_related("job", "device").prefetch_related("needs"))
    for step in steps:
        step.run = run
    return steps


def _start_ready(run: Run, steps: list[Step]) -> None:
    if not run.dataset_version.is_ready:
        return
    by_id = {step.pk: step for step in steps}
    for step in steps:
        needed = [by_id[need.pk] for need in step.needs.all()]
        waits = step.job is None and not step.withheld
        if waits and all(need.status == Status.SUCCEEDED for need in needed):
            _start(step, needed)


def _start(step: Step, needed: list[Step]) -> None:
    """Queue a step with the priority of the previous one, which an administrator may have changed."""
    kind, made = KINDS[step.kind], [made_by(need) for need in needed]
    step.withheld = kind.withheld(step, made)
    if step.withheld:
        step.save(update_fields=["withheld"])
        return
    priority = needed[0].job.priority if needed else Priority.NORMAL
    begin(step, kind.start(step, made, priority))


def _refusals(run: Run) -> list[str]:
    """Why the run cannot train on its version, once that is checked: sentences."""
    version = run.dataset_version
    if version.in_review and version.is_deleted:
        return [
            msg(
                "{version} was discarded before anybody confirmed it: choose another version.",
                version=str(version),
            )
        ]
    return tasks.get(run.task).refusals(version.facts) if version.is_ready else []


def _write_status(run: Run, steps: list[Step], refusals: list[str]) -> None:
    chain = [run.dataset_version.job, *(step.job for step in steps if not step.withheld)]
    status, message = _outcome(chain, cancelled=run.cancelled_by_id is not None)
    if status in ACTIVE and refusals:
        status, message = Status.FAILED, refusals[0]
    elif status in ACTIVE and run.dataset_version.in_review:
        message = msg(
            "{version} needs review: the run goes on once somebody confirms how it was read.",
            version=str(run.dataset_version),
        )
    finished = timezone.now() if status in FINAL else None
    Run.objects.filter(pk=run.pk).update(status=status, message=message, finished_at=finished)
    run.status, run.message = status, message
    if status in EVENTS and not any(about(run) for about in _quiet):
        notify.emit(EVENTS[status], run.team, run)
        newer.note(run)


def _outcome(chain: list[Job | None], cancelled: bool) -> tuple[str, str]:
    """The run's status, from its steps' and from the check of its data.

    One failed branch does not stop the others.
    """
    begun = [job for job in chain if job is not None]
    failed = [job for job in begun if job.status == Status.FAILED]
    stopped = [job for job in begun if job.status == Status.CANCELLED]
    active = [job for job in begun if job.status in ACTIVE]
    if cancelled:
        return (Status.CANCELLING, "") if any(job in active for job in chain[1:]) else (Status.CANCELLED, "")
    if active:
        started = any(job.status != Status.QUEUED for job in begun)
        return (Status.RUNNING if started else Status.QUEUED), ""
    if failed:
        return Status.FAILED, failed[0].message
    if stopped:
        return Status.CANCELLED, msg("A step was cancelled.")
    if None in chain:
        return Status.RUNNING, ""
    return Status.SUCCEEDED, ""
