"""Celery's way in: ids to services, nothing else."""

from portal.celery import app
from portal.jobs import execution, services

WAIT_SECONDS = 2


@app.task(bind=True, max_retries=None)
def execute(self, job_id: int) -> None:
    """Run one job. Before: queued. After: final, or still queued and sent again when it must wait."""
    if not execution.execute(job_id):
        self.apply_async([job_id], queue=self.request.delivery_info["routing_key"], countdown=WAIT_SECONDS)


@app.task
def reap() -> None:
    """Before: jobs whose worker is gone. After: none."""
    services.reap()
