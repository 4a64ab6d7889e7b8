"""Operations on jobs: submit, cancel, retry, reap."""

from __future__ import annotations

import contextlib
import time

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.translation import ngettext

from portal.core import broker, tracing
from portal.jobs import endings, hooks, kinds, scheduler, sites
from portal.jobs.models import IN_WORDS, ErrorKind, IllegalTransition, Job, JobEvent, Status
from portal.teams import audit, quotas
from workers.contract.messages import msg

WAKE_AT_MOST = 20
EXECUTE = "portal.jobs.tasks.execute"


def submit(kind_name: str, team, created_by, site: str = "", **fields) -> Job:
    """Create a queued job. Call it in the transaction that creates the rows which the job needs.

    ``site``: of the board that the job is for.
    """
    if not kinds.is_known(kind_name):
        raise KeyError(kind_name)
    kind = kinds.get(kind_name)
    fields = {"queue": sites.queue_at(kind.queue, site), "trace": tracing.parent(), **fields}
    job = Job.objects.create(kind=kind.name, team=team, created_by=created_by, **fields)
    JobEvent.objects.create(job=job, new=Status.QUEUED, at=job.queued_at, reason=msg("submitted"))
    enqueue(job)
    return job


def refuse_if_full(team) -> None:
    """Raise QuotaReached if the team may queue no more jobs.

    Called where a person or a program starts something. The next steps of a run are never refused, so that a
    run once started can finish.
    """
    most = quotas.limits(team).queued
    count = Job.objects.filter(team=team, status=Status.QUEUED).count() if most is not None else 0
    if most is not None and count >= most:
        raise quotas.QuotaReached(
            ngettext(
                "%(count)d job of the team %(team)s waits already, and at most %(most)d may: let it run or "
                "cancel it, then try again.",
                "%(count)d jobs of the team %(team)s wait already, and at most %(most)d may: let some run or "
                "cancel some, then try again.",
                count,
            )
            % {"count": count, "team": team.name, "most": most}
        )


def enqueue(job: Job) -> None:
    """Send the job to its queue once the transaction is committed.

    The message only wakes a worker, which then takes the next job of the queue (``scheduler``). Nothing is
    lost if the broker is down or hangs: ``resend`` repeats the message while the job stays queued.
    """
    broker.send_on_commit(EXECUTE, [job.pk], queue=job.queue)


def cancel(job: Job, by: str) -> None:
    """Cancel a queued job at once; ask a running one to stop. A final job stays as it is."""
    reason = msg("cancelled by {by}", by=by)
    for target in (Status.CANCELLED, Status.CANCELLING):
        if target == Status.CANCELLED and job.status != Status.QUEUED:
            continue
        try:
            job.move_to(target, reason)
        except IllegalTransition:
            continue
        break
    if job.status == Status.CANCELLED:
        endings.follow_up(job)


def retry(job: Job, created_by=None, **fields) -> Job:
    """Replace a failed or cancelled job with a new one, and point the domain row at it.

    Raises IllegalTransition, or QuotaReached if a person asked and no more jobs may be queued.
    """
    if job.status not in (Status.FAILED, Status.CANCELLED):
        raise IllegalTransition(
            msg(
                "Job {pk} is {status}; only a failed or cancelled job can be retried.",
                pk=job.pk,
                status=IN_WORDS[job.status],
            )
        )
    if not kinds.is_known(job.kind):
        raise IllegalTransition(
            msg("Job {pk} belongs to a newer release of Slipway: only that release can retry it.", pk=job.pk)
        )
    if "attempt" not in fields:
        refuse_if_full(job.team)
    with transaction.atomic():
        if Job.objects.filter(retry_of=job).exists():
            raise IllegalTransition(
                msg("Job {pk} was already retried as job {other}.", pk=job.pk, other=job.retried_by.pk)
            )
        kind = kinds.get(job.kind)
        kept = {"priority": job.priority, "variant": job.variant, "resource": job.resource}
        fields = {**kept, "site": kind.site(job), "trace": tracing.parent() or job.trace, **fields}
        new = submit(job.kind, job.team, created_by or job.created_by, retry_of=job, **fields)
        kind.replace(job, new)
        hooks.retried(job, new)
    return new


@transaction.atomic
def retry_by(user, job: Job) -> Job:
    """Retry a job for a person, by page, API or command line: the job itself, and what waits for it.

    Raises IllegalTransition if the job cannot be retried, QuotaReached if no more jobs may be queued; nothing
    is changed then.
    """
    new = retry(job, created_by=user)
    audit.record("job.retry", new, actor=user, detail=msg("after {job}", job=job))
    owner = hooks.owner_of(new)
    if owner is not None:
        owner.revive(user)
    return new


def reap() -> None:
    """End jobs whose worker is gone, resume them, and resend lost messages.

    State before: running or cancelling without a heartbeat. State after: failed as lost, with a new queued
    job in its place unless it was resumed too often; a cancelling job becomes cancelled.
    """
    for job in _without_heartbeat():
        _end_lost(job, Status.CANCELLED if job.status == Status.CANCELLING else Status.FAILED)
    resend()


@transaction.atomic
def hand_back(job: Job) -> None:
    """Queue a job again whose worker stops. Raises IllegalTransition if it must not go on.

    State before: running. State after: failed as lost, with a new queued job at its old place.
    """
    if Job.objects.select_for_update().get(pk=job.pk).status == Status.CANCELLING:
        raise IllegalTransition(msg("{job} is being cancelled.", job=job))
    message = msg("The worker that ran this job was stopped: another one goes on with it.")
    job.move_to(Status.FAILED, msg("handed back"), error_kind=ErrorKind.LOST, message=message)
    retry(job, attempt=job.attempt, place=job.place)


def resend() -> None:
    """Resend lost messages. Before: jobs that could run but have no message. After: messages.

    If a queue is empty at the broker while its jobs could run, messages were lost. One too many is harmless.
    """
    horizon = timezone.now() - min(settings.JOB_RESENT_AFTER, settings.JOB_LOST_AFTER)
    stale = Job.objects.filter(status=Status.QUEUED, queued_at__lt=horizon)
    for queue in stale.order_by("queue").values_list("queue", flat=True).distinct():
        if broker.waiting(queue) == 0:
            for job in scheduler.jobs_to_start(queue, WAKE_AT_MOST):
                enqueue(job)


def _without_heartbeat() -> list[Job]:
    """The jobs whose worker is gone.

    Checked twice: after the database was locked or full, or the machine asleep, every heartbeat is old; a
    live worker writes one between the two checks.
    """
    known = [kind.name for kind in kinds.all_kinds()]  # a newer release looks after its own
    live = Job.objects.filter(status__in=scheduler.RUNNING_STATUSES, kind__in=known)
    first = live.filter(heartbeat_at__lt=timezone.now() - settings.JOB_LOST_AFTER)
    found = list(first.values_list("pk", flat=True))
    if not found:
        return []
    time.sleep(settings.JOB_LOST_GRACE_SECONDS)
    horizon = timezone.now() - settings.JOB_LOST_AFTER
    return list(live.filter(pk__in=found, heartbeat_at__lt=horizon))


def queue_of(job_id: int) -> str | None:
    """The queue of a job; None if the job does not exist."""
    return Job.objects.filter(pk=job_id).values_list("queue", flat=True).first()


def wake(queue: str) -> None:
    """Send a message for what the end of a job allows to start: it freed a slot, a device, a share of its
    team.
    """
    for job in scheduler.jobs_to_start(queue, at_most=1):
        enqueue(job)


def _end_lost(job: Job, target: str) -> None:
    message = msg(
        "The worker that ran this job disappeared: see whether it is up and has memory enough, then retry."
    )
    try:
        if target == Status.CANCELLED:
            job.move_to(target, message)
        else:
            job.move_to(target, msg("worker lost"), error_kind=ErrorKind.LOST, message=message)
    except IllegalTransition:
        return  # it was resumed just now
    if target == Status.FAILED and job.attempt <= settings.JOB_MAX_RESUMES:
        # A person may have retried it meanwhile, or removed its subject.
        with contextlib.suppress(IllegalTransition):
            # At its old place, not behind jobs that came later.
            retry(job, attempt=job.attempt + 1, place=job.place)
            return
    endings.follow_up(job)
    wake(job.queue)
