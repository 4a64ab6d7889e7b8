"""Request bodies: buffered whole by the loop, or streamed to the thread that reads them."""

from __future__ import annotations

import asyncio
import contextlib
import io
import os
import socket
import threading
import time
from collections import deque
from collections.abc import Awaitable, Callable

from portal.ops.front import limits
from portal.ops.front.refusals import Gone, Refusal, too_large
from workers.contract.messages import msg

Receive = Callable[[], Awaitable[dict]]
BROKEN = msg("The connection broke before the whole request had arrived.")
TOO_LONG = msg("The request is larger than this address accepts.")
TOO_SLOW = msg("The request did not arrive in time: check your connection, then try again.")


async def buffered(receive: Receive, connection, most: int) -> bytes:
    """A whole body of up to ``most`` bytes. Raises Refusal or Gone."""
    connection.wait(limits.BODY_SECONDS + most / limits.BODY_BYTES_PER_SECOND)
    loop, found = asyncio.get_running_loop(), bytearray()
    ends = loop.time() + limits.BODY_SECONDS + most / limits.BODY_BYTES_PER_SECOND
    while True:
        try:
            async with asyncio.timeout_at(ends):
                message = await receive()
        except TimeoutError:
            raise Refusal(408, TOO_SLOW) from None
        if message["type"] == "http.disconnect":
            raise Gone
        found += message["body"]
        if len(found) > most:
            raise too_large(most)
        if not message.get("more_body"):
            connection.work()
            return bytes(found)


class Body(io.BufferedIOBase):
    """An incoming body, read in a thread: ``readinto1`` waits for the next bytes.

    Reading raises OSError if the connection broke or was too slow: half a body never passes for a whole one.
    """

    is_whole = False

    def readable(self) -> bool:
        return True

    def end(self, error: str = BROKEN) -> None:
        """Called in the loop when no more bytes will come. The reader gets ``error`` unless the body is
        complete.
        """
        raise NotImplementedError

    def read1(self, size: int = -1) -> bytes:
        """The available bytes, up to ``size``; empty at the end."""
        buffer = bytearray(limits.STREAM_BLOCK if size < 0 else min(size, limits.STREAM_BLOCK))
        return bytes(memoryview(buffer)[: self.readinto1(buffer)])

    def read(self, size: int | None = -1) -> bytes:
        """``size`` bytes, or all of them; fewer only at the end of the body."""
        found = bytearray()
        while (size is None or size < 0 or len(found) < size) and (
            block := self.read1(-1 if size is None or size < 0 else size - len(found))
        ):
            found += block
        return bytes(found)


class SocketBody(Body):
    """A body of known length, read directly from the socket while the loop leaves it alone.

    ``early`` arrived together with the head. So upload bytes cost the loop nothing.
    """

    def __init__(self, sock: socket.socket, early: bytes, length: int):
        self._socket = socket.socket(fileno=os.dup(sock.fileno()))
        self._socket.settimeout(limits.STALL_SECONDS)
        self._early, self._left = memoryview(early), length - len(early)
        self._waited, self._came = 0.0, 0

    @property
    def is_whole(self) -> bool:
        return not self._left

    def end(self, error: str = BROKEN) -> None:
        if not self.is_whole:
            with contextlib.suppress(OSError):
                self._socket.shutdown(socket.SHUT_RD)

    def close(self) -> None:
        self._socket.close()
        super().close()

    def readinto1(self, buffer) -> int:
        view = memoryview(buffer)
        if self._early:
            size = min(len(view), len(self._early))
            view[:size], self._early = self._early[:size], self._early[size:]
            return size
        wanted = min(len(view), self._left)
        if not wanted:
            return 0
        size = self._receive(view[:wanted])
        if not size:
            raise ConnectionResetError(BROKEN)
        self._left -= size
        return size

    def _receive(self, view: memoryview) -> int:
        began = time.monotonic()
        try:
            size = self._socket.recv_into(view)
        except TimeoutError:
            raise TimeoutError(TOO_SLOW) from None
        self._waited += time.monotonic() - began
        self._came += size
        if self._waited > limits.STALL_SECONDS:
            if self._came < limits.STALL_BYTES:
                raise TimeoutError(TOO_SLOW)
            self._waited, self._came = 0.0, 0
        return size


class ChunkedBody(Body):
    """A body of unknown length: blocks from the parser, passed on by the connection.

    ``resume`` is called in the loop when there is room again after ``is_full``.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, most: int, resume: Callable[[], None]):
        self._loop, self._most, self._resume = loop, most, resume
        self._blocks: deque[bytes] = deque()
        self._size = 0
        self._changed = threading.Condition()
        self._error: str | None = None
        self.is_full = self.is_ended = self.is_whole = False
        self.came = 0

    def put(self, block: bytes) -> None:
        if self.is_ended or not block:
            return
        self.came += len(block)
        if self.came > self._most:
            return self.end(TOO_LONG)
        with self._changed:
            self._blocks.append(block)
            self._size += len(block)
            self.is_full = self._size > limits.STREAM_BUFFER
            self._changed.notify()

    def complete(self) -> None:
        self.is_whole = not self.is_ended
        self._finish(None)

    def end(self, error: str = BROKEN) -> None:
        self._finish(error)

    def _finish(self, error: str | None) -> None:
        if not self.is_ended:
            with self._changed:
                self.is_ended, self._error = True, error
                self._changed.notify()

    def readinto1(self, buffer) -> int:
        view = memoryview(buffer)
        with self._changed:
            while not self._blocks:
                if self._error:
                    raise ConnectionResetError(self._error)
                if self.is_ended:
                    return 0
                self._changed.wait()
            block = self._blocks.popleft()
            size = min(len(view), len(block))
            if size < len(block):
                self._blocks.appendleft(block[size:])
            view[:size] = block[:size]
            self._size -= size
            has_room = self.is_full and self._size < limits.STREAM_BUFFER // 2
            if has_room:
                self.is_full = False
        if has_room:
            self._loop.call_soon_threadsafe(self._resume)
        return size
