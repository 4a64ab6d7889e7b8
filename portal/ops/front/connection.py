"""One connection: uvicorn's HTTP parsing, with bounds on heads and a deadline on every wait.

uvicorn waits forever for an incomplete head, for a reader of a response, and for a refused client that keeps
sending. A keeper checks all connections once a second and ends those past their deadline.
"""

from __future__ import annotations

import asyncio
import http.client
import sys
import time

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from portal.core import request_ids
from portal.core.request_ids import HEADER
from portal.ops.front import limits
from portal.ops.front.bodies import TOO_SLOW, Body, ChunkedBody, SocketBody
from portal.ops.front.keeper import keeper_of
from workers.contract.messages import msg

TOO_LONG = {
    414: msg("The address of this request is too long."),
    431: msg("The headers of this request are too large."),
}


class HeadTooLarge(Exception):
    """A head beyond the limits; ``args[0]`` is the status."""


def new_parser(protocol: asyncio.Protocol) -> httptools.HttpRequestParser:
    """A parser set up as uvicorn does."""
    parser = httptools.HttpRequestParser(protocol)
    parser.set_dangerous_leniencies(lenient_data_after_close=True)
    return parser


class Wire:
    """A transport that counts written bytes, and whose end a still-sending client can read."""

    def __init__(self, transport: asyncio.Transport, connection: Connection):
        self._transport, self._connection = transport, connection
        self.written = 0

    def __getattr__(self, name: str):
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        self.written += len(data)
        self._transport.write(data)

    def is_closing(self) -> bool:
        return self._connection.lingering or self._transport.is_closing()

    def close(self) -> None:
        if self._connection.is_receiving and not self.is_closing():
            self._connection.linger()
        elif not self._connection.lingering:
            self._transport.close()

    @property
    def taken(self) -> int:
        """Bytes that have been sent to the client."""
        return self.written - self._transport.get_write_buffer_size()


class Connection(HttpToolsProtocol):
    """``deadline`` is when the client must have done what is expected; None while the server is working."""

    deadline: float | None = None
    lingering = False
    _thrown_away = 0  # bytes received while lingering
    in_head = False
    _head = 0  # bytes of header names and values
    _body = 0  # bytes of all bodies of this connection so far
    _chunked: ChunkedBody | None = None
    _came, _came_at = 0, 0.0  # what it had received, and when
    _bodies_before = 0  # those of earlier requests
    _rest = 0  # bytes of this request outside its body

    def connection_made(self, transport: asyncio.Transport) -> None:
        super().connection_made(Wire(transport, self))
        self.address = self.client[0] if self.client else ""
        self._taken, self._taken_at = 0, time.monotonic()
        self.wait(limits.HEAD_SECONDS)
        keeper_of(self.server_state).add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._chunked is not None:
            self._chunked.end()
        keeper_of(self.server_state).remove(self)
        super().connection_lost(exc)

    # --- deadlines of the client --------------------------------------------------------------
    def wait(self, seconds: float) -> None:
        self.deadline = time.monotonic() + seconds

    def work(self) -> None:
        """From now on, the client waits for the server."""
        self.deadline = None

    @property
    def is_answering(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    @property
    def is_receiving(self) -> bool:
        """Whether a body or a head is still incomplete."""
        return self.in_head or (self.cycle is not None and self.cycle.more_body)

    def is_over(self, now: float) -> bool:
        """Whether the deadline has passed, for what the client sends or reads."""
        if self.deadline is not None and now > self.deadline:
            return True
        if not self.transport.get_write_buffer_size():
            self._taken, self._taken_at = self.transport.taken, now
        elif now - self._taken_at > limits.STALL_SECONDS:
            if self.transport.taken - self._taken < limits.READER_BYTES:
                return True
            self._taken, self._taken_at = self.transport.taken, now
        return False

    def end(self) -> None:
        """Drop the client: with a response if it may still be listening, else at once."""
        if self.in_head and not self.is_answering and not self.lingering:
            self.refuse(408, msg("The request did not arrive in time."))
        else:
            self.transport.abort()

    def linger(self) -> None:
        """Half-close, and discard what the client still sends for a moment."""
        self.lingering = True
        self.wait(limits.LINGER_SECONDS)
        try:
            self.transport.write_eof()
        except OSError:  # the client is gone
            self.transport.abort()
        else:
            self.flow.resume_reading()

    # --- heads ---------------------------------------------------------------------------------
    def data_received(self, data: bytes) -> None:
        if self.lingering:
            self._thrown_away += len(data)
            if self._thrown_away > limits.LINGER_BYTES:
                self.flow.pause_reading()
            return
        if not self.in_head and not self.is_answering:
            self.in_head = True
            self.wait(limits.HEAD_SECONDS)
        before = self._body
        super().data_received(data)
        # The parser buffers a header, or a trailer, until it is complete.
        self._rest += len(data) - (self._body - before)
        most = limits.REST_BYTES + limits.REST_PER_BODY_BYTE * (self._body - self._bodies_before)
        if self._rest > most and not self.lingering:
            self.refuse(431, TOO_LONG[431])

    def eof_received(self) -> bool:
        """A client that has finished sending may still read the response."""
        if not self.is_answering or self.is_receiving:
            return False
        self.cycle.keep_alive = False
        return True

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.in_head = True
        self._head = self._rest = 0
        self._bodies_before = self._body

    def on_url(self, url: bytes) -> None:
        super().on_url(url)
        if len(self.url) > limits.URL_BYTES:
            raise HeadTooLarge(414)

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self.in_head:
            return  # after the body: trailers are not supported, and must not pass for headers
        self._head += len(name) + len(value)
        if len(self.headers) >= limits.HEADERS or self._head > limits.HEAD_BYTES:
            raise HeadTooLarge(431)
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        if len(self.pipeline) >= limits.PIPELINED:
            raise HeadTooLarge(431)
        self.in_head = False
        self.scope["slipway.connection"] = self
        super().on_headers_complete()

    # --- large bodies --------------------------------------------------------------------------
    def take_body(self, length: int | None, most: int) -> Body:
        """The body of this request, for a thread to read. ``length`` is None if it is chunked."""
        cycle = self.cycle
        early = bytes(cycle.body)
        cycle.body.clear()
        if cycle.waiting_for_100_continue:
            cycle.waiting_for_100_continue = False
            self.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        if length is not None:
            self.flow.pause_reading()
            return SocketBody(self.transport.get_extra_info("socket"), early, length)
        self._chunked = ChunkedBody(self.loop, most, self.flow.resume_reading)
        self._chunked.put(early)
        if not cycle.more_body:
            self._chunked.complete()
        self._came, self._came_at = 0, time.monotonic()
        self.flow.resume_reading()
        return self._chunked

    def release_body(self, body: Body) -> None:
        """The thread is done with the body."""
        self._chunked = None
        was_whole = body.is_whole
        body.close()
        if was_whole and self.cycle.more_body:
            # The parser has not seen these bytes: it starts over at the next request.
            self.parser = new_parser(self)
            self.cycle.more_body = False

    def on_body(self, body: bytes) -> None:
        self._body += len(body)
        if self._chunked is None:
            super().on_body(body)
            return
        self._chunked.put(body)
        if self._chunked.is_full:
            self.flow.pause_reading()

    def on_message_complete(self) -> None:
        super().on_message_complete()
        if self._chunked is not None:
            self._chunked.complete()

    def check_chunk_pace(self, now: float) -> None:
        """End a body that arrives too slowly; if the server is the slow one, do not blame the client."""
        body = self._chunked
        if body is None or body.is_full:
            self._came_at = now
        elif now - self._came_at > limits.STALL_SECONDS:
            if body.came - self._came < limits.STALL_BYTES:
                body.end(TOO_SLOW)
            self._came, self._came_at = body.came, now

    def _unsupported_upgrade_warning(self) -> None:
        """No upgrades; a parser that has seen one requested reads no further request."""
        self.parser = new_parser(self)

    def _start_asgi_task(self, cycle, app) -> None:
        self.work()
        super()._start_asgi_task(cycle, app)

    def on_response_complete(self) -> None:
        if not self.lingering:
            self.wait(limits.IDLE_SECONDS)
        super().on_response_complete()

    def send_400_response(self, reason: str) -> None:
        """The head cannot be parsed: uvicorn calls this while it handles the error."""
        status, sentence = 400, msg("This is not a valid HTTP request.")
        error = _raised()
        if isinstance(error, HeadTooLarge):
            status, sentence = error.args[0], TOO_LONG[error.args[0]]
        self.refuse(status, sentence)

    def refuse(self, status: int, sentence: str) -> None:
        """Respond without a request; send nothing if another response is in progress."""
        if self.is_answering:
            self.transport.abort()
            return
        body = (sentence + "\n").encode()
        head = (
            f"HTTP/1.1 {status} {http.client.responses[status]}\r\n"
            "content-type: text/plain; charset=utf-8\r\n"
            f"{HEADER.lower()}: {self._request_id()}\r\n"
            f"content-length: {len(body)}\r\nconnection: close\r\n\r\n"
        )
        self.transport.write(head.encode() + body)
        self.linger()

    def _request_id(self) -> str:
        """The request id from the head, as far as it was read; else a new one."""
        sent = next((value for name, value in self.headers or () if name == HEADER.lower().encode()), b"")
        return request_ids.of(sent.decode("latin-1"))


def _raised() -> BaseException | None:
    """The exception of a parser callback, while the parser's own error is handled."""
    error = sys.exc_info()[1]
    return error.__context__ if isinstance(error, httptools.HttpParserError) else error
