"""Celery's way in."""

from portal.celery import app
from portal.datasets import uploads, uploads_kept


@app.task
def sweep_uploads() -> None:
    """Before: expired uploads, and those that versions no longer need, with their bytes. After: none."""
    uploads.sweep()
    uploads_kept.sweep()
