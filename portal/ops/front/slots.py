"""A bounded number of slots, shared fairly, and the threads behind them."""

from __future__ import annotations

import asyncio
import queue
import threading
from collections import Counter, deque
from collections.abc import Callable
from typing import Any


class Overloaded(Exception):
    """Too many requests wait already, or no slot came free in time."""


class Ticket:
    """One slot; it is released once."""

    def __init__(self, slots: Slots, key):
        self._slots, self._key = slots, key

    def release(self) -> None:
        slots, self._slots = self._slots, None
        if slots is not None:
            slots._release(self._key)

    def exchange(self, other: Ticket) -> None:
        """Trade this slot for one of another kind."""
        self.release()
        self._slots, self._key = other._slots, other._key


class Slots:
    """``count`` slots. Waiting callers are served in rotation by key; a key holds ``per_key`` at most.

    Independent of threads; use it in the event loop only.
    """

    def __init__(self, count: int, *, queue: int, per_key: int | None = None):
        self._free, self._queue, self._per_key = count, queue, per_key or count
        self._held: Counter = Counter()
        self._waiting: dict[Any, deque[asyncio.Future]] = {}

    async def take(self, key, seconds: float) -> Ticket:
        """Wait for a slot. Raises Overloaded."""
        if self._free and self._held[key] < self._per_key:
            self._grant(key)
            return Ticket(self, key)
        if sum(map(len, self._waiting.values())) >= self._queue:
            raise Overloaded
        turn = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(key, deque()).append(turn)
        try:
            async with asyncio.timeout(seconds):
                await turn
        except (TimeoutError, asyncio.CancelledError) as error:
            if turn.done() and not turn.cancelled():
                self._release(key)  # the slot came free at the same moment
            if isinstance(error, TimeoutError):
                raise Overloaded from None
            raise
        finally:
            self._forget(key, turn)
        return Ticket(self, key)

    def _forget(self, key, turn: asyncio.Future) -> None:
        turns = self._waiting.get(key)
        if turns is not None and turn in turns:
            turns.remove(turn)
            if not turns:
                del self._waiting[key]

    def _grant(self, key) -> None:
        self._free -= 1
        self._held[key] += 1

    def _release(self, key) -> None:
        self._free += 1
        self._held[key] -= 1
        if not self._held[key]:
            del self._held[key]
        while self._free and (key := self._next_key()) is not None:
            turns = self._waiting.pop(key)
            turn = turns.popleft()
            if turns:
                self._waiting[key] = turns  # to the end of the rotation
            if not turn.done():
                self._grant(key)
                turn.set_result(None)

    def _next_key(self):
        return next((key for key in self._waiting if self._held[key] < self._per_key), None)


class Threads:
    """A fixed number of threads that die with the process, whatever they are doing."""

    def __init__(self, count: int, name: str):
        self._work: queue.SimpleQueue = queue.SimpleQueue()
        for number in range(count):
            threading.Thread(target=self._run, name=f"{name}-{number}", daemon=True).start()

    async def run(self, call: Callable, *arguments):
        """Run ``call`` in one of the threads; return or raise its outcome."""
        loop = asyncio.get_running_loop()
        future = loop.create_future()
        self._work.put((loop, future, call, arguments))
        return await future

    def _run(self) -> None:
        while True:
            loop, future, call, arguments = self._work.get()
            try:
                result, error = call(*arguments), None
            except BaseException as raised:
                result, error = None, raised
            _resolve(loop, future, result, error)
            del future, call, arguments, result, error


def _resolve(loop, future: asyncio.Future, result, error) -> None:
    def resolve() -> None:
        if future.done():
            return  # nobody waits any more
        if error is None:
            future.set_result(result)
        else:
            future.set_exception(error)

    try:
        loop.call_soon_threadsafe(resolve)
    except RuntimeError:
        pass  # the loop has ended
