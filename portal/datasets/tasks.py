"""Celery tasks."""

from portal.celery import app
from portal.datasets import deletion, reviews, staged_cache, upload_retention, uploads


@app.task
def sweep_uploads() -> None:
    """Before: expired uploads, those that versions no longer need, and those that nobody confirms, with their
    bytes. After: none."""
    uploads.sweep()
    reviews.sweep()
    upload_retention.sweep()


@app.task
def sweep_deleted() -> None:
    """Before: what was deleted long ago, and files of dead jobs. After: of it only what a run names; and this
    host's cache holds what it may."""
    deletion.sweep()
    deletion.sweep_packs()
    deletion.sweep_leftovers()
    staged_cache.make_room()
