"""What tests of the web server say to it, byte by byte, and what they read of the answer."""

from __future__ import annotations

import contextlib
import time

import requests

from tests.attack.web_server import receive

MB = 1024 * 1024
HEAD = "Host: localhost\r\nConnection: close\r\n"


def request(method: str, path: str, headers: str = "", body: bytes = b"") -> bytes:
    return f"{method} {path} HTTP/1.1\r\n{HEAD}{headers}\r\n".encode() + body


def say(server, text: bytes, timeout: float = 30) -> bytes:
    with server.connect(timeout) as sock:
        with contextlib.suppress(ConnectionError):
            sock.sendall(text)
        return receive(sock)


def status(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1]) if answer.startswith(b"HTTP/") else 0


def spooled(server) -> int:
    return sum(path.stat().st_size for path in (server.var / "incoming").iterdir())


def announce(server, token: str, size: int) -> str:
    headers = {"Authorization": f"Bearer {token}", "Tus-Resumable": "1.0.0", "Upload-Length": str(size)}
    answer = requests.post(f"{server.base}/api/v1/uploads/", headers=headers, timeout=30)
    assert answer.status_code == 201, answer.text
    return answer.headers["Location"]


def offset_of(server, token: str, path: str) -> int:
    headers = {"Authorization": f"Bearer {token}", "Tus-Resumable": "1.0.0"}
    for _ in range(100):
        answer = requests.head(f"{server.base}{path}", headers=headers, timeout=30)
        if answer.status_code != 423:
            return int(answer.headers["Upload-Offset"])
        time.sleep(0.2)
    raise AssertionError("the upload stays held")


def patch(path: str, token: str, size: int, more: str = "", offset: int = 0) -> bytes:
    return request(
        "PATCH",
        path,
        f"Authorization: Bearer {token}\r\nTus-Resumable: 1.0.0\r\nUpload-Offset: {offset}\r\n"
        f"Content-Type: application/offset+octet-stream\r\nContent-Length: {size}\r\n{more}",
    )
