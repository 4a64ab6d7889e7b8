"""Celery tasks: they pass ids to services."""

from django.db import InterfaceError, OperationalError

from portal.celery import app
from portal.jobs import checkpoints, execution, scheduler, services


# A database that is busy at that moment must not cost the message.
@app.task(
    autoretry_for=(OperationalError, InterfaceError), retry_backoff=1, retry_backoff_max=15, max_retries=20
)
def execute(job_id: int) -> None:
    """Run the next job of the queue that this job was sent to, which may be another job.

    Before: queued jobs. After: one of them is final, or none may run now; the end of a running one then sends
    the next message.
    """
    queue = services.queue_of(job_id)
    job = queue and scheduler.claim_next(queue, execution.worker_name())
    if job:
        execution.run(job)
        services.wake(queue)


@app.task
def resend() -> None:
    """Before: queued jobs whose messages were lost. After: messages resent."""
    services.resend()


@app.task
def reap() -> None:
    """Before: jobs whose worker is gone. After: none."""
    services.reap()


@app.task
def sweep_checkpoints() -> None:
    """Before: checkpoints of jobs that ended days ago. After: none."""
    checkpoints.sweep()
