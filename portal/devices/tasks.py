"""Celery's way in."""

from portal.celery import app
from portal.devices import watch as watching


@app.task
def watch() -> None:
    """Before: devices that nobody has looked at for a while. After: each has been looked at."""
    watching.watch()
