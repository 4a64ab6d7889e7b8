"""Asks a worker one thing and waits a few seconds for its answer, through the broker.

For what a person waits for and only a worker can find out. The worker's task gets the name of a list at the
broker as its first argument and puts one answer there. Anything that takes longer is a job.
"""

from __future__ import annotations

import json
import logging
import secrets
from typing import Any

import redis

from portal.core import broker
from portal.core.relay import AWAY, url
from workers.contract.messages import Decoder, plain

logger = logging.getLogger(__name__)
KEPT_SECONDS = 60  # an answer that nobody fetched


def ask(task: str, args: list[Any], queue: str, seconds: float) -> Any:
    """The answer of the task; None if none came in time, or the broker is away."""
    name = f"slipway:answer:{secrets.token_hex(16)}"
    if not broker.send(task, [name, *args], queue, expires=seconds):
        return None
    try:
        with redis.Redis.from_url(url(), socket_timeout=seconds + 2, socket_connect_timeout=2) as client:
            found = client.blpop([name], timeout=seconds)
    except AWAY as error:
        logger.warning("the broker brought no answer of %s (%s)", task, error)
        return None
    return json.loads(found[1], cls=Decoder) if found else None


def answer(name: str, value: Any) -> None:
    """Give the answer to whoever waits for it. A Message in it stays one."""
    with redis.Redis.from_url(url(), socket_timeout=5, socket_connect_timeout=5) as client:
        with client.pipeline() as both:
            both.rpush(name, json.dumps(plain(value)))
            both.expire(name, KEPT_SECONDS)
            both.execute()
