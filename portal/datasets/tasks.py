"""Celery's way in."""

from portal.celery import app
from portal.datasets import uploads


@app.task
def sweep_uploads() -> None:
    """Before: expired uploads with their bytes. After: none."""
    uploads.sweep()
