"""A request's body straight from gunicorn's socket.

gunicorn's own ``wsgi.input`` copies each block three times on its way, which halves the rate at which an
upload is received. Knows gunicorn's reader of a body of known length; with any other server, or any other
body, ``reader_of`` gives None and the body is read as usual.
"""

from __future__ import annotations

from collections.abc import Callable

from gunicorn.http.body import Body, LengthReader

BLOCK = 1024 * 1024


def reader_of(environ: dict) -> Callable[[int], bytes | memoryview] | None:
    """A function like ``read(n)`` that gives what has arrived, not always n bytes; None if unsuitable."""
    body, sock = environ.get("wsgi.input"), environ.get("gunicorn.socket")
    if sock is None or not isinstance(body, Body) or not isinstance(body.reader, LengthReader):
        return None
    return SocketBody(body, sock).read


class SocketBody:
    """What ``read`` returns is overwritten by the next ``read``."""

    def __init__(self, body: Body, sock):
        self.body, self.sock = body, sock
        self.buffer = memoryview(bytearray(BLOCK))

    def read(self, size: int) -> bytes | memoryview:
        """Up to ``size`` bytes; none at the end or when the connection broke. Raises OSError on silence."""
        reader = self.body.reader
        size = min(size, reader.length, BLOCK)
        if not size:
            return b""
        early = reader.unreader.take_buffered()  # what came together with the headers
        if early:
            reader.unreader.unread(early[size:])
            reader.length -= len(early[:size])
            return early[:size]
        # Until the bytes are counted, where the next request begins is unknown.
        self.body.failed = True
        got = self.sock.recv_into(self.buffer[:size])
        reader.length -= got
        self.body.failed = got == 0
        return self.buffer[:got]
