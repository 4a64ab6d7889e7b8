"""Celery tasks."""

from portal.celery import app
from portal.compilation import search


@app.task
def sweep() -> None:
    """Before: searches that wait for a variant nobody started. After: none."""
    search.sweep()
