"""Celery tasks."""

from portal.celery import app
from portal.runs import deletion, pipeline


@app.task
def sweep() -> None:
    """Before: runs with a ready step that nobody started. After: none."""
    pipeline.sweep()


@app.task
def sweep_deleted() -> None:
    """Before: runs deleted long ago. After: only those whose models a board runs."""
    deletion.sweep()
