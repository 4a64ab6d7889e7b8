"""Celery's way in: ids to services, nothing else."""

from portal.celery import app
from portal.jobs import execution, services


@app.task
def execute(job_id: int) -> None:
    """Run the best waiting job of the queue that this job was sent to, which may be another one.

    Before: queued jobs. After: one of them is final, or none may run now; then the end of one that runs
    sends the next message.
    """
    queue = services.queue_of(job_id)
    if queue and execution.work(queue):
        services.wake(queue)


@app.task
def reap() -> None:
    """Before: jobs whose worker is gone. After: none."""
    services.reap()
