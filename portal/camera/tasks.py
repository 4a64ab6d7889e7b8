"""Celery tasks."""

from portal.camera import services
from portal.celery import app


@app.task
def sweep() -> None:
    """Before: images whose version is ready, with their bytes. After: none."""
    services.sweep()
