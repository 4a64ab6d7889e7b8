"""Celery's way in."""

from portal.celery import app
from portal.devices import inference_images
from portal.devices import watch as watching


@app.task
def watch() -> None:
    """Before: devices that nobody has looked at for a while, questions that were not sent to their end.

    After: each has been looked at, or taken back.
    """
    inference_images.sweep()
    watching.watch()
