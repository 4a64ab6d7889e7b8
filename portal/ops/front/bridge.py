"""Runs Django's WSGI application in a thread, and sends its response to the client.

The thread is free again once the response is known. The loop sends responses in memory and files, however
slow the reader. A response generated while it is sent (a zip, a list) keeps its thread until the end; it
moves from the page threads to the stream threads.
"""

from __future__ import annotations

import asyncio
import io
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from portal.ops.front import limits
from portal.ops.front.exchange import Exchange
from portal.ops.front.slots import Threads

Headers = list[tuple[str, str]]


class FileAnswer:
    """``wsgi.file_wrapper``: a file that the loop sends."""

    def __init__(self, file, block_size: int = limits.FILE_BLOCK):
        self.file = file

    def __iter__(self):
        return iter(lambda: self.file.read(limits.FILE_BLOCK), b"")

    def close(self) -> None:
        close = getattr(self.file, "close", None)
        if close:
            close()


@dataclass
class Watched:
    """The body of an answer: the frames of a channel, see ``relays.py``."""

    channel: str


@dataclass
class Answer:
    """``body`` is None if the thread has already sent it."""

    status: int
    headers: Headers
    body: bytes | FileAnswer | Watched | None


class Started:
    """WSGI's ``start_response``."""

    def __init__(self):
        self.status, self.headers = 500, []

    def __call__(self, status: str, headers: Headers, exc_info=None):
        self.status, self.headers = int(status.split(" ", 1)[0]), headers
        return self._write

    @staticmethod
    def _write(data: bytes) -> None:
        raise NotImplementedError("Nothing here writes an answer this way.")


class Bridge:
    """``application`` is a WSGI application; it runs in ``threads``."""

    def __init__(self, application, threads: Threads):
        self._application, self._threads = application, threads
        self._files = Threads(limits.FILE_THREADS, "front-files")

    async def answer(
        self, exchange: Exchange, body: io.BufferedIOBase, length: int | None, becomes_stream: Callable
    ) -> Answer:
        """Run the application. ``length`` is None for a body of unknown length.

        ``becomes_stream`` is a coroutine function, awaited before a response that is generated while it is
        sent.
        """
        environ = {
            **exchange.asked.environ,
            "wsgi.input": body,
            "wsgi.input_terminated": True,
            "wsgi.file_wrapper": FileAnswer,
        }
        if length is not None:
            environ.pop("HTTP_TRANSFER_ENCODING", None)
            environ["CONTENT_LENGTH"] = str(length)
        loop = asyncio.get_running_loop()

        def wait_for(awaitable):
            return asyncio.run_coroutine_threadsafe(awaitable, loop).result()

        def in_thread() -> Answer:
            started = Started()
            found = self._application(environ, started)
            if isinstance(found, FileAnswer):
                return Answer(started.status, started.headers, found)
            try:
                if channel := getattr(found, "relay_channel", None):
                    return Answer(started.status, started.headers, Watched(channel))
                if not getattr(found, "streaming", False):
                    return Answer(started.status, started.headers, b"".join(found))
                wait_for(becomes_stream())
                wait_for(exchange.start(started.status, started.headers))
                if exchange.asked.method != "HEAD":
                    _send_blocks(found, lambda block: wait_for(exchange.write(block)))
                return Answer(started.status, started.headers, None)
            finally:
                found.close()

        return await self._threads.run(in_thread)

    async def send(self, exchange: Exchange, answer: Answer) -> None:
        """Send what the thread left to be sent."""
        if answer.body is None:
            await exchange.end()
        elif isinstance(answer.body, FileAnswer):
            await self._send_file(exchange, answer)
        else:
            await exchange.whole(answer.status, answer.headers, answer.body)

    async def _send_file(self, exchange: Exchange, answer: Answer) -> None:
        try:
            await exchange.start(answer.status, answer.headers)
            if exchange.asked.method != "HEAD":
                read = answer.body.file.read
                while block := await self._files.run(read, limits.FILE_BLOCK):
                    await exchange.write(block)
            await exchange.end()
        finally:
            await self._files.run(answer.body.close)


def _send_blocks(blocks: Iterable[bytes], send: Callable[[bytes], None]) -> None:
    """In blocks large enough to be worth a turn of the loop."""
    kept = bytearray()
    for block in blocks:
        kept += block
        if len(kept) >= limits.ANSWER_BLOCK:
            send(bytes(kept))
            kept.clear()
    send(bytes(kept))
