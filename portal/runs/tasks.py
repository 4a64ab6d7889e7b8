"""Celery's way in."""

from portal.celery import app
from portal.runs import pipeline


@app.task
def sweep() -> None:
    """Before: runs that wait for a step nobody started. After: none."""
    pipeline.sweep()
