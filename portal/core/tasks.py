"""Celery tasks."""

from portal.celery import app
from portal.core import idempotency


@app.task
def sweep_idempotent_calls() -> None:
    """Before: answers kept for idempotent calls. After: only those of the last day."""
    idempotency.sweep()
