"""Celery tasks."""

from portal.celery import app
from portal.core import broker
from portal.core.slots import Slots
from portal.devices import health_history, inference_images
from portal.devices import watch as watching

_rounds = Slots(1)


@app.task
def watch() -> None:
    """Before: devices that were not checked for a while, inferences whose upload was interrupted.

    After: each device was checked, each such inference removed. One round at a time in each worker: boards
    that do not respond prolong it. If there is much to do, other workers are called to help.
    """
    with _rounds.take() as got:
        if got:
            inference_images.sweep()
            watching.watch(on_full=lambda: broker.send(watch.name))
            health_history.sweep()
