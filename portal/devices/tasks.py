"""Celery tasks."""

from portal.celery import app
from portal.core.slots import Slots
from portal.devices import inference_images
from portal.devices import watch as watching

_rounds = Slots(1)


@app.task
def watch() -> None:
    """Before: devices that nobody has looked at for a while, questions that were not sent to their end.

    After: each has been looked at, or taken back. One round at a time: boards that do not answer make it
    longer than the time to the next.
    """
    with _rounds.take() as got:
        if got:
            inference_images.sweep()
            watching.watch()
