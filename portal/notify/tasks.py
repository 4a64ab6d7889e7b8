"""Celery tasks: send what was recorded."""

from portal.celery import app
from portal.core import broker
from portal.notify import mails, services, webhooks


@app.task
def send_mails() -> None:
    """Before: pending mails. After: sent, or counted as tried."""
    mails.send_pending()


@app.task
def deliver(pk: int) -> None:
    """Before: a delivery that is due. After: one attempt was made."""
    webhooks.deliver(pk)


@app.task
def sweep() -> None:
    """Before: mails and deliveries that are due but have no message. After: messages resent.

    It only queries the database; the tasks above do the sending.
    """
    if mails.is_pending():
        broker.send("portal.notify.tasks.send_mails")
    webhooks.sweep()


@app.task
def tidy() -> None:
    """Before: notices of any age. After: only recent ones."""
    services.sweep()
