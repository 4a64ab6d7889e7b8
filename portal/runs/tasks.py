"""Celery tasks."""

from portal.celery import app
from portal.runs import deletion, pipeline


@app.task
def sweep() -> None:
    """Before: runs that wait for a step nobody started. After: none."""
    pipeline.sweep()


@app.task
def sweep_deleted() -> None:
    """Before: runs deleted long ago. After: of them only what a board runs."""
    deletion.sweep()
