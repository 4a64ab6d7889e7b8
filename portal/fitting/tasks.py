"""Celery tasks."""

from portal.celery import app
from portal.fitting import search


@app.task
def sweep() -> None:
    """Before: searches with a next step that nobody started. After: none."""
    search.sweep()
