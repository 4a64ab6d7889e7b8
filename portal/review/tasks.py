"""Celery tasks."""

from portal.celery import app
from portal.review import storing


@app.task
def sweep() -> None:
    """After: images that were discarded a day ago, or are in a version, take no more space here."""
    storing.sweep()
