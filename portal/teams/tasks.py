"""Celery's way in."""

from portal.celery import app
from portal.teams import audit


@app.task
def sweep_audit() -> None:
    """Before: tokens' calls of any age. After: none that is older than the setting says."""
    audit.sweep_calls()
