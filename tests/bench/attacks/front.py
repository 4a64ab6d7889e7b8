"""The web server: bodies of strangers, half-sent requests, slow readers, requests that cannot be meant."""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Iterator

from tests.bench.attacks import attack, require
from tests.bench.attacks.scene import require_status

MB = 1024 * 1024
SPOOL_MB = 400  # what a stranger announces
REFUSED_SECONDS = 12  # until the server has stopped listening
PACE_SECONDS = 0.02  # between two quarters of a megabyte
CROWD = 60
ANSWER_SECONDS = 5  # for others, meanwhile
HOLD_SECONDS = 6
GIVE_UP_SECONDS = 60  # until a half-sent request must be ended by the server


def _head(method: str, path: str, *headers: str) -> bytes:
    return "\r\n".join([f"{method} {path} HTTP/1.1", "Host: localhost", *headers, "", ""]).encode()


@attack("6 bodies of strangers")
def a_stranger_fills_the_disk(scene) -> None:
    """Send 400 MB to the sign-in page and to the API, with and without invented credentials."""
    form = "Content-Type: multipart/form-data; boundary=xx"
    length, chunked = f"Content-Length: {SPOOL_MB * MB}", "Transfer-Encoding: chunked"
    requests = [
        ("/sign-in/", form, length),
        ("/sign-in/", form, chunked),
        ("/language/", form, length, "Cookie: sessionid=0123456789abcdef0123456789abcdef"),
        ("/api/v1/datasets/", form, length),
        ("/api/v1/datasets/", form, chunked, "Authorization: Bearer slw_invented"),
        ("/datasets/new/", form, length, "Cookie: sessionid=invented; csrftoken=invented"),
    ]
    for path, *headers in requests:
        seconds, most = _flood(scene, _head("POST", path, *headers), chunked in headers)
        words = f"{path} ({', '.join(headers[1:])})"
        require(most < 4 * MB, f"{words}: {most / MB:.0f} MB on disk.")
        require(seconds < REFUSED_SECONDS, f"{words}: the server listens for {seconds:.0f} s.")


def _flood(scene, head: bytes, chunked: bool) -> tuple[float, int]:
    """Send until the server ends it; return the seconds, and the most bytes that were on its disk."""
    begins = scene.bytes_in("incoming")
    begin = b'--xx\r\nContent-Disposition: form-data; name="file"; filename="a.zip"\r\n\r\n'
    block = bytes(MB // 4)
    framed = b"%x\r\n%b\r\n" % (len(block), block) if chunked else block
    most, began = 0, time.monotonic()
    with scene.connect() as sock, contextlib.suppress(OSError):
        sock.sendall(head + (b"%x\r\n%b\r\n" % (len(begin), begin) if chunked else begin))
        for _ in range(int(REFUSED_SECONDS / PACE_SECONDS)):
            sock.sendall(framed)
            most = max(most, scene.bytes_in("incoming") - begins)
            time.sleep(PACE_SECONDS)
    return time.monotonic() - began, most


@contextlib.contextmanager
def _crowd(scene, says: list[bytes]) -> Iterator[list[socket.socket]]:
    """Open a socket for each of what is said, and close them at the end."""
    with contextlib.ExitStack() as stack:
        sockets = []
        for said in says:
            with contextlib.suppress(OSError):
                sock = stack.enter_context(scene.connect())
                sock.sendall(said)
                sockets.append(sock)
        yield sockets


def _others_are_answered(scene, what: str) -> None:
    end = time.monotonic() + HOLD_SECONDS
    while time.monotonic() < end:
        seconds = scene.quickest(1)
        require(seconds < ANSWER_SECONDS, f"Others wait {seconds:.1f} s while {what}.")
        time.sleep(0.5)


def _left_open(sockets: list[socket.socket], seconds: float) -> int:
    """How many the server has not ended within so many seconds, by an answer or by closing."""
    deadline = time.monotonic() + seconds
    left = 0
    for sock in sockets:
        sock.settimeout(max(0.05, deadline - time.monotonic()))
        try:
            sock.recv(1)
        except TimeoutError:
            left += 1
        except OSError:
            continue
    return left


@attack("6 half-sent headers")
def half_sent_headers(scene) -> None:
    """Hold sixty connections with half a header."""
    with _crowd(scene, [b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow: "] * CROWD) as sockets:
        _others_are_answered(scene, f"{CROWD} headers are half sent")
        left = _left_open(sockets, GIVE_UP_SECONDS)
    require(not left, f"{left} of {CROWD} connections with half a header live after {GIVE_UP_SECONDS} s.")


@attack("6 half-sent bodies")
def bodies_of_one_byte(scene) -> None:
    """Hold forty connections whose bodies stop after one byte."""
    form = "Content-Type: application/x-www-form-urlencoded"
    says = [_head("POST", "/sign-in/", form, "Content-Length: 1000") + b"u"] * 20
    says += [_head("POST", "/api/v1/tokens/", "Content-Type: application/json", "Content-Length: 99") + b"{"]
    says *= 2
    with _crowd(scene, says) as sockets:
        _others_are_answered(scene, f"{len(says)} bodies are half sent")
        left = _left_open(sockets, GIVE_UP_SECONDS)
    require(not left, f"{left} of {len(says)} connections with half a body live after {GIVE_UP_SECONDS} s.")


@attack("6 half-sent uploads of a member")
def slow_uploads_of_a_member(scene) -> None:
    """A signed-in member holds forty uploads with one byte each."""
    member = scene.api("alpha-member")
    headers = {"Tus-Resumable": "1.0.0", "Upload-Length": "1000000", "Upload-Metadata": "filename YS56aXA="}
    says = []
    for _ in range(40):
        made = member.post("/api/v1/uploads/", headers=headers)
        require_status(made, (201,))
        words = ("Tus-Resumable: 1.0.0", "Upload-Offset: 0", "Content-Type: application/offset+octet-stream")
        token = f"Authorization: Bearer {scene.people['alpha-member'].token}"
        says.append(_head("PATCH", made.headers["Location"], *words, token, "Content-Length: 1000000") + b"P")
    with _crowd(scene, says):
        _others_are_answered(scene, "forty uploads of a member stand still")


@attack("6 slow readers")
def slow_readers(scene) -> None:
    """Forty connections ask for the largest script twenty times each and read nothing."""
    head = _head("GET", "/static/vendor/swagger-ui-dist/swagger-ui-bundle.js")
    with _crowd(scene, [head * 20] * 40):
        _others_are_answered(scene, "forty readers do not read")


@attack("16 requests that cannot be meant")
def requests_that_cannot_be_meant(scene) -> None:
    """Deep JSON, long hosts, broken encodings: each is refused, none is an error of ours."""
    admin = scene.api("alpha-admin")
    deep = b'{"name": ' + b"[" * 20_000 + b"]" * 20_000 + b"}"
    flat = {"Content-Type": "application/json"}
    bodies = [deep, b"[" * 60_000, b'{"name": "\xff\xfe"}', b'{"name": "a\\u0000b"}', b'{"name": NaN}']
    bodies += [b'{"name": 1' + b"0" * 6000 + b"}", b'{"a":' * 3000 + b"1" + b"}" * 3000, b"\x00" * 100]
    paths = ("tokens/", "invitations/", "webhooks/", "runs/", "deployments/", "devices/", "limits/", "teams/")
    for body in bodies:
        for path in paths:
            call = admin.put if path == "limits/" else admin.post
            answer = call(f"/api/v1/{path}", data=body, headers=flat)
            require(answer.status_code < 500, f"{path} with {body[:20]!r}…: status {answer.status_code}.")
    _odd_requests(scene)


def _odd_requests(scene) -> None:
    requests = {
        "a host of 250 letters": b"GET / HTTP/1.1\r\nHost: " + b"a" * 250 + b"\r\n\r\n",
        "a host of bytes": b"GET / HTTP/1.1\r\nHost: \xff\xfe\r\n\r\n",
        "two hosts": b"GET / HTTP/1.1\r\nHost: localhost\r\nHost: b\r\n\r\n",
        "a path of NUL": _head("GET", "/datasets/%00/"),
        "a path of bytes": _head("GET", "/datasets/%ff%fe/?q=%ff%00"),
        "a header of 100 KB": _head("GET", "/", "X-Long: " + "a" * 100_000),
        "a header of NUL": b"GET / HTTP/1.1\r\nHost: localhost\r\nX: a\x00b\r\n\r\n",
        "a long address": _head("GET", "/" + "a" * 60_000),
        "a length that is none": _head("POST", "/sign-in/", "Content-Length: -5"),
        "two lengths": _head("POST", "/sign-in/", "Content-Length: 5", "Content-Length: 6") + b"hello!",
        "length and chunks": _head(
            "POST", "/sign-in/", "Content-Length: 5", "Transfer-Encoding: chunked"
        ) + b"0\r\n\r\n",
        "a chunk of nonsense": _head("POST", "/sign-in/", "Transfer-Encoding: chunked") + b"zz\r\n\r\n",
        "a cookie of bytes": _head("GET", "/sign-in/", "Cookie: sessionid=\x01\x02; csrftoken="),
        "a language of bytes": _head("GET", "/sign-in/", "Accept-Language: " + "zh," * 3000),
    }  # fmt: skip
    for what, said in requests.items():
        with scene.connect(timeout=30) as sock:
            answer = b""
            with contextlib.suppress(OSError):
                sock.sendall(said)
                answer = sock.recv(64)
        status = int(answer.split()[1]) if answer.startswith(b"HTTP/") else 400
        require(status < 500, f"{what}: status {status}.")
