"""Passes a device's frames from the worker that reads them to whoever watches, through the broker.

The worker publishes each message to a channel; every web process that has a watcher subscribes to it once.
Nothing is stored and nothing queues: a message that nobody can take now is gone. Only workers connect to
boards and hold their secrets; web processes see the frames alone.

A message is four bytes with the length of a JSON object (big endian), the object, and the image.
"""

from __future__ import annotations

import contextlib
import json
import logging
import struct
import time
from collections.abc import Iterator
from typing import Any

import redis
from django.conf import settings
from django.http import StreamingHttpResponse

logger = logging.getLogger(__name__)
WATCH_SECONDS = 300.0  # of one response: then the watcher's rights are checked again
IDLE_SECONDS = 5.0  # without a frame, after which a watcher gets a sign of life
PATH = "redis+socket://"
# What a Redis client raises without its server; redis-py 8 raises a ValueError when the handshake of a new
# connection takes too long.
AWAY = (redis.RedisError, OSError, ValueError)


def url() -> str:
    """The broker's address for a Redis client."""
    broker = settings.CELERY_BROKER_URL
    return f"unix://{broker.removeprefix(PATH)}" if broker.startswith(PATH) else broker


def pack(fields: dict[str, Any], data: bytes = b"") -> bytes:
    head = json.dumps(fields, default=str).encode()
    return struct.pack(">I", len(head)) + head + data


def framed(message: bytes) -> bytes:
    """A message within a stream: its length, then the message."""
    return struct.pack(">I", len(message)) + message


IDLE = pack({"type": "idle"})


class Publisher:
    """Publishes to one channel, over one connection."""

    def __init__(self, channel: str):
        seconds = settings.BROKER_SECONDS
        self._channel = channel
        self._client = redis.Redis.from_url(url(), socket_timeout=seconds, socket_connect_timeout=seconds)

    def publish(self, fields: dict[str, Any], data: bytes = b"") -> int:
        """How many web processes got it: 0 if nobody watches, or the broker is away."""
        try:
            return self._client.publish(self._channel, pack(fields, data))
        except AWAY as error:
            logger.warning("the broker did not take a frame of %s (%s)", self._channel, error)
            return 0

    def close(self) -> None:
        self._client.close()


class RelayResponse(StreamingHttpResponse):
    """A response of the messages of a channel, the newest at each moment, until the watcher goes.

    The front sends it from its event loop, without a thread (``ops/front/relays.py``); any other server by
    iterating over it.
    """

    def __init__(self, channel: str):
        super().__init__(_messages(channel), content_type="application/octet-stream")
        self.relay_channel = channel
        self.headers["Cache-Control"] = "no-store"
        self.headers["X-Accel-Buffering"] = "no"  # a proxy must not collect frames


def _messages(channel: str) -> Iterator[bytes]:
    """Ends without the broker: watchers try again."""
    until = time.monotonic() + WATCH_SECONDS
    with contextlib.suppress(*AWAY):
        with redis.Redis.from_url(url()) as client, client.pubsub() as pubsub:
            pubsub.subscribe(channel)
            while time.monotonic() < until:
                found = pubsub.get_message(ignore_subscribe_messages=True, timeout=1.0)
                yield framed(found["data"] if found else IDLE)
