"""What others may do with jobs: submit, cancel, retry, reap."""

from __future__ import annotations

import logging

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

from portal.celery import app
from portal.jobs import kinds
from portal.jobs.models import ErrorKind, IllegalTransition, Job, JobEvent, Status

logger = logging.getLogger(__name__)


def submit(kind_name: str, team, created_by, **fields) -> Job:
    """Create a queued job. Call it in the transaction that makes the rows which the job needs."""
    kind = kinds.get(kind_name)
    job = Job.objects.create(kind=kind.name, queue=kind.queue, team=team, created_by=created_by, **fields)
    JobEvent.objects.create(job=job, new=Status.QUEUED, at=job.queued_at, reason="submitted")
    enqueue(job)
    return job


def enqueue(job: Job) -> None:
    """Send the job to its queue once the transaction is committed.

    A broker that is away loses nothing: the reaper sends again what stays queued.
    """
    from portal.jobs.tasks import execute

    def send() -> None:
        try:
            execute.apply_async([job.pk], queue=job.queue, retry=False)
        except OperationalError:
            logger.warning("the broker did not take %s; it will be sent again", job)

    transaction.on_commit(send)


def cancel(job: Job, by: str) -> None:
    """Cancel a queued job at once, ask a running one to stop. A final one stays as it is."""
    reason = f"cancelled by {by}"
    for target in (Status.CANCELLED, Status.CANCELLING):
        if target == Status.CANCELLED and job.status != Status.QUEUED:
            continue
        try:
            job.move_to(target, reason)
        except IllegalTransition:
            continue
        break
    if job.status == Status.CANCELLED:
        kinds.get(job.kind).after(job)


def retry(job: Job, created_by=None, **fields) -> Job:
    """Make a new job that does a failed or cancelled one again, and hand it the domain row."""
    if job.status not in (Status.FAILED, Status.CANCELLED):
        raise IllegalTransition(
            f"Job {job.pk} is {job.status}; only a failed or cancelled job can be retried."
        )
    with transaction.atomic():
        if Job.objects.filter(retry_of=job).exists():
            raise IllegalTransition(f"Job {job.pk} was already retried as job {job.retried_by.pk}.")
        new = submit(job.kind, job.team, created_by or job.created_by, retry_of=job, **fields)
        kinds.get(job.kind).replace(job, new)
    return new


def reap() -> None:
    """End jobs whose worker is gone, resume them, and send again what the broker lost.

    State before: running or cancelling without a heartbeat. State after: failed as lost, with a new
    queued job in its place unless it was resumed too often; a cancelling one becomes cancelled.
    """
    horizon = timezone.now() - settings.JOB_LOST_AFTER
    for job in Job.objects.filter(status=Status.CANCELLING, heartbeat_at__lt=horizon):
        _end_lost(job, Status.CANCELLED)
    for job in Job.objects.filter(status=Status.RUNNING, heartbeat_at__lt=horizon):
        _end_lost(job, Status.FAILED)
    # A queued job whose queue is empty at the broker has lost its message; a second one is harmless.
    for job in Job.objects.filter(status=Status.QUEUED, queued_at__lt=horizon):
        if waiting_messages(job.queue) == 0:
            enqueue(job)


def waiting_messages(queue: str) -> int | None:
    """How many messages wait in a queue at the broker; None when the broker cannot be asked."""
    try:
        with app.connection_for_read() as connection:
            return connection.default_channel.client.llen(queue)
    except (OperationalError, RedisError, OSError):
        return None


def _end_lost(job: Job, target: str) -> None:
    message = (
        "The worker that ran this job disappeared: see whether it is up and has memory enough, then retry."
    )
    try:
        if target == Status.CANCELLED:
            job.move_to(target, message)
        else:
            job.move_to(target, "worker lost", error_kind=ErrorKind.LOST, message=message)
    except IllegalTransition:
        return  # it came back just now
    if target == Status.FAILED and job.attempt <= settings.JOB_MAX_RESUMES:
        retry(job, attempt=job.attempt + 1)
        return
    kinds.get(job.kind).after(job)
