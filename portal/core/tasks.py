"""Celery tasks."""

from portal.celery import app
from portal.core import idempotency


@app.task
def sweep_idempotent_calls() -> None:
    """Before: stored responses of idempotent requests. After: only those of the last day."""
    idempotency.sweep()
