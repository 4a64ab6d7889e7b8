"""Celery tasks."""

from portal.celery import app
from portal.rollouts import engine


@app.task
def sweep() -> None:
    """Continue rollouts whose windows opened, whose pauses ended or whose boards came back."""
    engine.sweep()
