"""Sends messages to the broker, within seconds whatever the broker does.

A message only wakes a worker: what is to be done stands in the database, and the sweeps send again what the
broker did not take. So publishing never raises, and never makes a page wait for a broker that hangs.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.db import transaction
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

from portal.celery import app

logger = logging.getLogger(__name__)
ERRORS = (OperationalError, RedisError, OSError)
_away_until = 0.0


def send(task: str, args: Sequence[Any] = (), queue: str | None = None) -> bool:
    """Publish a call of the task with this name; False when the broker did not take it. Never raises.

    Waits BROKER_SECONDS at most, and not at all for BROKER_PAUSE_SECONDS after that. ``queue`` is the
    task's own unless given.
    """
    if is_away():
        return False
    options, began = {"queue": queue} if queue else {}, time.monotonic()
    try:
        publish(task, list(args), **options)
    except ERRORS as error:
        _note(task, error, began)
        return False
    return True


def publish(task: str, args: list[Any], **options: Any) -> None:
    """Hand a message to the broker by the task's name, which the web process need not have imported."""
    app.send_task(task, args, retry=False, **options)


def send_on_commit(task: str, args: Sequence[Any] = (), queue: str | None = None) -> None:
    """As ``send``, once the rows that the message is about are there for workers to see."""
    transaction.on_commit(lambda: send(task, args, queue))


def waiting(queue: str) -> int | None:
    """How many messages wait in a queue; None when the broker cannot be asked."""
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
    """True shortly after somebody waited in vain for a broker that hangs."""
    return time.monotonic() < _away_until


def _note(subject: str, error: Exception, began: float) -> None:
    """Say what went wrong; a broker that refused at once may be asked again at once."""
    global _away_until
    if time.monotonic() - began > settings.BROKER_SECONDS / 2:
        _away_until = time.monotonic() + settings.BROKER_PAUSE_SECONDS
    logger.warning("the broker did not take %s (%s); the next sweep sends it", subject, error)
