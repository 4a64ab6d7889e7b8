"""Sends messages to the broker, within seconds whatever state the broker is in.

A message only wakes a worker: the work itself is in the database, and the sweeps resend what the broker did
not accept. So publishing never raises, and a hanging broker never blocks a page.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.db import transaction
from kombu.exceptions import OperationalError

from portal.celery import app
from portal.core.relay import AWAY

logger = logging.getLogger(__name__)
ERRORS = (OperationalError, *AWAY)
_away_until = 0.0


def send(task: str, args: Sequence[Any] = (), queue: str | None = None, expires: float | None = None) -> bool:
    """Publish a call of the task with this name. False if the broker did not accept it. Never raises.

    Waits BROKER_SECONDS at most, and not at all for BROKER_PAUSE_SECONDS after a failure. ``queue`` defaults
    to the task's own. ``expires``: seconds after which the call is dropped.
    """
    if is_away():
        return False
    options = {"queue": queue} if queue else {}
    if expires is not None:
        options["expires"] = expires
    began = time.monotonic()
    try:
        publish(task, list(args), **options)
    except ERRORS as error:
        _note(task, error, began)
        return False
    return True


def publish(task: str, args: list[Any], **options: Any) -> None:
    """Publish by the task's name: the web process need not import the task."""
    app.send_task(task, args, retry=False, **options)


def send_on_commit(task: str, args: Sequence[Any] = (), queue: str | None = None) -> None:
    """As ``send``, after the commit, when workers can see the rows."""
    transaction.on_commit(lambda: send(task, args, queue))


def waiting(queue: str) -> int | None:
    """How many messages wait in a queue; None if the broker cannot be reached."""
    if is_away():
        return None
    began = time.monotonic()
    try:
        with app.connection_for_read() as connection:
            return connection.default_channel.client.llen(queue)
    except ERRORS as error:
        _note(queue, error, began)
        return None


def is_away() -> bool:
    """Whether a call waited in vain for a hanging broker a moment ago."""
    return time.monotonic() < _away_until


def _note(subject: str, error: Exception, began: float) -> None:
    """Log the error. A broker that refused at once may be tried again at once."""
    global _away_until
    if time.monotonic() - began > settings.BROKER_SECONDS / 2:
        _away_until = time.monotonic() + settings.BROKER_PAUSE_SECONDS
    logger.warning("the broker did not take %s (%s); the next sweep sends it", subject, error)
