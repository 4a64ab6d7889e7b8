"""Frames for watchers: the newest at each moment, without a thread, and not for more than there is room."""

import asyncio
import struct
from types import SimpleNamespace

import pytest

from portal.core import relay
from portal.ops.front import limits, relays
from portal.ops.front.bridge import Answer, Watched
from portal.ops.front.refusals import Gone, Refusal
from tests import loops


class Channel:
    """A subscription without a broker."""

    made: list = []

    def __init__(self, name):
        self.watchers, self.ended = set(), False
        self.made.append(self)

    def end(self):
        self.ended = True

    def publish(self, number: int) -> None:
        for watcher in self.watchers:
            watcher.put(relay.pack({"number": number}))


class Exchange:
    """A client that leaves after ``most`` messages, and reads on after each when ``may_read`` is set."""

    def __init__(self, most: int, may_read: asyncio.Event | None = None):
        transport = SimpleNamespace(
            set_write_buffer_limits=lambda high: None,
            get_extra_info=lambda name: SimpleNamespace(setsockopt=lambda *option: None),
        )
        connection = SimpleNamespace(transport=transport)
        self.asked = SimpleNamespace(method="GET", scope={"slipway.connection": connection})
        self.got, self._most, self._may_read = [], most, may_read

    async def start(self, status, headers):
        self.status = status

    async def write(self, block):
        (size,) = struct.unpack(">I", block[4:8])
        self.got.append(block[8 : 8 + size])
        if self._may_read:
            await self._may_read.wait()
        if len(self.got) == self._most:
            raise Gone

    async def end(self):
        pass


@pytest.fixture
def channels(monkeypatch):
    monkeypatch.setattr(relays, "Channel", Channel)
    monkeypatch.setattr(Channel, "made", [])
    return Channel.made


async def until(condition) -> None:
    async with asyncio.timeout(30):
        while not condition():
            await asyncio.sleep(0.001)


ANSWER = Answer(200, [], Watched("slipway:camera:1"))


def test_a_slow_watcher_loses_frames_and_holds_up_nobody(channels):
    async def scene():
        go_on = asyncio.Event()
        hub, fast, slow = relays.Relays(), Exchange(10), Exchange(2, go_on)
        tasks = [asyncio.create_task(hub.send(one, ANSWER, "alice")) for one in (fast, slow)]
        await until(lambda: channels and len(channels[0].watchers) == 2)
        for number in range(10):
            channels[0].publish(number)
            await until(lambda: len(fast.got) > number and slow.got)  # noqa: B023 - awaited in this turn
        go_on.set()
        outcomes = await asyncio.gather(*tasks, return_exceptions=True)
        return fast, slow, outcomes

    fast, slow, outcomes = loops.run(scene())
    assert [type(one) for one in outcomes] == [Gone, Gone]
    assert len(fast.got) == 10 and slow.got == [b'{"number": 0}', b'{"number": 9}'], "the newest, no old one"
    assert len(channels) == 1 and channels[0].ended, "one subscription, ended with the last watcher"


def test_there_is_a_bound_for_each_person(channels, monkeypatch):
    monkeypatch.setattr(limits, "WATCHES_PER_PERSON", 1)
    monkeypatch.setattr(limits, "WATCHER_QUEUE_SECONDS", 0.01)

    async def scene():
        hub = relays.Relays()
        first = asyncio.create_task(hub.send(Exchange(1), ANSWER, "alice"))
        await until(lambda: channels and channels[0].watchers)
        with pytest.raises(Refusal):
            await hub.send(Exchange(1), ANSWER, "alice")
        other = asyncio.create_task(hub.send(Exchange(1), ANSWER, "bob"))
        await until(lambda: len(channels[0].watchers) == 2)
        channels[0].publish(1)
        return await asyncio.gather(first, other, return_exceptions=True)

    assert [type(one) for one in loops.run(scene())] == [Gone, Gone]


def test_without_frames_there_are_signs_of_life_and_a_stop_ends_it(channels, monkeypatch):
    monkeypatch.setattr(relay, "IDLE_SECONDS", 0.01)

    async def scene():
        hub, exchange = relays.Relays(), Exchange(1000)
        task = asyncio.create_task(hub.send(exchange, ANSWER, "alice"))
        await until(lambda: exchange.got)
        hub.stop()
        await asyncio.wait_for(task, 30)
        return exchange.got

    assert set(loops.run(scene())) == {b'{"type": "idle"}'}


def test_a_broker_that_falls_silent_without_an_end_is_left_for_a_new_connection(monkeypatch):
    """As a gateway that forgets a connection: nothing comes, and nobody says that it is over."""
    monkeypatch.setattr(relays, "SILENT_SECONDS", 0.2)
    monkeypatch.setattr(relays, "AGAIN_SECONDS", 0.01)
    subscriptions = []

    async def broker(reader, writer):
        while data := await reader.read(4096):
            if b"SUBSCRIBE" in data:
                subscriptions.append(writer)
                writer.write(b"*3\r\n$9\r\nsubscribe\r\n$1\r\nx\r\n:1\r\n")
                if len(subscriptions) > 1:
                    writer.write(b"*3\r\n$7\r\nmessage\r\n$1\r\nx\r\n$5\r\nframe\r\n")
            elif b"PING" not in data:
                writer.write(b"+OK\r\n" * data.count(b"*"))

    async def scene():
        server = await asyncio.start_server(broker, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        monkeypatch.setattr(relay, "url", lambda: f"redis://127.0.0.1:{port}/0?protocol=2")
        watcher, channel = relays.Watcher(), relays.Channel("x")
        channel.watchers.add(watcher)
        found = await watcher.take(20)
        channel.end()
        server.close()
        return found

    assert loops.run(scene()) == b"frame" and len(subscriptions) > 1
