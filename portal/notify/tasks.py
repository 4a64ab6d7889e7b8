"""Celery tasks: send what was written down."""

from portal.celery import app
from portal.core import broker
from portal.notify import mails, services, webhooks


@app.task
def send_mails() -> None:
    """Before: mails to be sent. After: sent, or counted as tried."""
    mails.send_pending()


@app.task
def deliver(pk: int) -> None:
    """Before: a delivery that is due. After: it has had an attempt."""
    webhooks.deliver(pk)


@app.task
def sweep() -> None:
    """Before: mails and deliveries whose messages were lost, or that are to be tried again. After: sent anew.

    Only asks the database; the waiting for others is done by the tasks above.
    """
    if mails.is_pending():
        broker.send("portal.notify.tasks.send_mails")
    webhooks.sweep()


@app.task
def tidy() -> None:
    """Before: notices of any age. After: the newer ones."""
    services.sweep()
