"""Sends relayed frames to watchers from the event loop: a watcher costs a connection and no thread.

Each web process subscribes once to a channel, however many watch it. A watcher holds the newest message only:
one that reads slowly loses frames, and neither its connection nor the others' pace.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket

import redis.asyncio
from redis.exceptions import ConnectionError as BrokerLost

from portal.core import relay
from portal.ops.front import limits, refusals
from portal.ops.front.bridge import Answer
from portal.ops.front.exchange import Exchange
from portal.ops.front.slots import Overloaded, Slots

AGAIN_SECONDS = 1.0  # after the broker was away
SILENT_SECONDS = 10.0  # without a message before the broker is asked for a sign of life, and for the answer


class Watcher:
    """The newest message that was not sent yet."""

    def __init__(self):
        self._message: bytes | None = None
        self._came = asyncio.Event()

    def put(self, message: bytes) -> None:
        self._message = message
        self._came.set()

    async def take(self, seconds: float) -> bytes:
        """Wait for a message; a sign of life if none comes in time."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._came.wait()
        message, self._message = self._message, None
        self._came.clear()
        return message or relay.IDLE


class Channel:
    """One subscription of this process, for all its watchers."""

    def __init__(self, name: str):
        self.watchers: set[Watcher] = set()
        self._name = name
        self._task = asyncio.get_running_loop().create_task(self._read())

    async def _read(self) -> None:
        while True:
            try:
                await self._follow()
            except relay.AWAY:
                await asyncio.sleep(AGAIN_SECONDS)

    async def _follow(self) -> None:
        broker = redis.asyncio.Redis.from_url(relay.url(), socket_connect_timeout=SILENT_SECONDS)
        async with broker as client, client.pubsub() as pubsub:
            await pubsub.subscribe(self._name)
            was_asked = False
            while True:
                found = await pubsub.get_message(timeout=SILENT_SECONDS)
                if found is None:
                    await self._ask(pubsub, was_asked)
                elif found["type"] == "message":
                    for watcher in self.watchers:
                        watcher.put(found["data"])
                was_asked = found is None

    async def _ask(self, pubsub, was_asked: bool) -> None:
        """A connection can be dead without an end: of the broker's host, or of a gateway that forgot it."""
        if was_asked:
            raise BrokerLost
        await pubsub.ping()

    def end(self) -> None:
        self._task.cancel()


class Relays:
    """The channels that are watched through this process."""

    def __init__(self):
        self._channels: dict[str, Channel] = {}
        self._slots = Slots(limits.WATCHERS, queue=1, per_key=limits.WATCHES_PER_PERSON)
        self._stopping = False

    def stop(self) -> None:
        """On shutdown, let the watchers go: they come back to the next process."""
        self._stopping = True
        for channel in self._channels.values():
            for watcher in channel.watchers:
                watcher.put(relay.IDLE)

    async def send(self, exchange: Exchange, answer: Answer, person) -> None:
        """Send messages until the watcher goes, or its time is up. Raises Gone, Refusal."""
        try:
            ticket = await self._slots.take(person, limits.WATCHER_QUEUE_SECONDS)
        except Overloaded:
            raise refusals.busy(5) from None
        try:
            exchange.must_close = True  # the connection's buffers are small from here on
            await exchange.start(answer.status, answer.headers)
            if exchange.asked.method != "HEAD":
                await self._send_all(exchange, answer.body.channel)
            await exchange.end()
        finally:
            ticket.release()

    async def _send_all(self, exchange: Exchange, name: str) -> None:
        _keep_buffers_small(exchange.asked.scope["slipway.connection"].transport)
        loop = asyncio.get_running_loop()
        until = loop.time() + relay.WATCH_SECONDS
        with self._watching(name) as watcher:
            while not self._stopping and loop.time() < until:
                await exchange.write(relay.framed(await watcher.take(relay.IDLE_SECONDS)))

    @contextlib.contextmanager
    def _watching(self, name: str):
        channel = self._channels.setdefault(name, None) or Channel(name)
        self._channels[name] = channel
        watcher = Watcher()
        channel.watchers.add(watcher)
        try:
            yield watcher
        finally:
            channel.watchers.discard(watcher)
            if not channel.watchers:
                channel.end()
                del self._channels[name]


def _keep_buffers_small(transport) -> None:
    """Else a slow reader would see frames that are seconds old: the system buffers megabytes."""
    transport.set_write_buffer_limits(high=0)
    with contextlib.suppress(OSError):
        transport.get_extra_info("socket").setsockopt(
            socket.SOL_SOCKET, socket.SO_SNDBUF, limits.WATCHER_BUFFER
        )
