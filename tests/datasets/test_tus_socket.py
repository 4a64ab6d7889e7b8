"""A body is read straight from gunicorn's socket, and gunicorn still knows where the next request begins."""

import io
import socket

import pytest
from gunicorn.http.body import Body, ChunkedReader, LengthReader
from gunicorn.http.unreader import SocketUnreader

from portal.datasets import socketbody


@pytest.fixture
def pair():
    ours, theirs = socket.socketpair()
    ours.settimeout(5)
    yield ours, theirs
    ours.close()
    theirs.close()


def environ(ours, length, early=b""):
    unreader = SocketUnreader(ours)
    unreader.unread(early)
    return {"wsgi.input": Body(LengthReader(unreader, length)), "gunicorn.socket": ours}


def everything(read, size=1 << 20) -> bytes:
    found = bytearray()
    while block := read(size):
        found += block
    return bytes(found)


@pytest.mark.parametrize("early", [0, 1, 700, 1000])
def test_it_gives_the_body_and_leaves_the_next_request(pair, early):
    ours, theirs = pair
    stream = bytes(range(250)) * 4 + b"GET / HTTP/1.1"
    theirs.sendall(stream[early:])
    request = environ(ours, 1000, stream[:early])
    read = socketbody.reader_of(request)
    assert everything(read, 300) == stream[:1000]
    body = request["wsgi.input"]
    assert not body.failed and body.reader.length == 0
    assert body.reader.unreader.read(14) == b"GET / HTTP/1.1"


def test_the_next_request_that_came_with_the_headers_is_kept(pair):
    request = environ(pair[0], 5, b"helloGET /")
    assert everything(socketbody.reader_of(request)) == b"hello"
    assert request["wsgi.input"].reader.unreader.take_buffered() == b"GET /"


def test_a_broken_connection_ends_the_body_and_is_not_used_again(pair):
    ours, theirs = pair
    theirs.sendall(b"hel")
    theirs.close()
    request = environ(ours, 5)
    assert everything(socketbody.reader_of(request)) == b"hel"
    assert request["wsgi.input"].failed


def test_a_silent_connection_is_not_used_again(pair):
    ours, _ = pair
    ours.settimeout(0.01)
    request = environ(ours, 5)
    with pytest.raises(OSError):
        socketbody.reader_of(request)(5)
    assert request["wsgi.input"].failed


def test_any_other_body_is_read_as_usual(pair):
    chunked = Body(ChunkedReader(None, SocketUnreader(pair[0])))
    for odd in ({}, {"wsgi.input": io.BytesIO(b"x")}, {"wsgi.input": chunked, "gunicorn.socket": pair[0]}):
        assert socketbody.reader_of(odd) is None
