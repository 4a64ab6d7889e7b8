"""Celery tasks."""

from portal.celery import app
from portal.datasets import deletion, reviews, staged_cache, upload_retention, uploads


@app.task
def sweep_uploads() -> None:
    """Before: expired uploads, uploads that versions no longer need, and unconfirmed ones, with their
    bytes. After: none.
    """
    uploads.sweep()
    reviews.sweep()
    upload_retention.sweep()


@app.task
def sweep_deleted() -> None:
    """Before: rows deleted long ago, and files of dead jobs. After: only what a run uses; and this host's
    cache is within its bound.
    """
    deletion.sweep()
    deletion.sweep_packs()
    deletion.sweep_leftovers()
    staged_cache.make_room()
