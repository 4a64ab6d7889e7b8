"""A tus client of the benchmarks: plain ``http.client``, counts what it sends, goes on after an error."""

from __future__ import annotations

import base64
import http.client
import time
from collections.abc import Callable, Iterable
from urllib.parse import urlsplit

from slipway import Client

CHUNK = 32 * 1024 * 1024
BLOCK = 1024 * 1024
PATIENCE_SECONDS = 90
BYTES = "application/offset+octet-stream"
PASSING = (408, 409, 423, 460, 500, 502, 503, 504, 507)


class Interrupted(Exception):
    """The connection broke, or the server could not take the bytes just now."""


class TusClient:
    """Uploads one file over one connection after the other. ``sent`` counts the bytes of all bodies.

    After interruptions: ``forgotten`` is the most bytes of one that the server had acknowledged and did not
    have any more, ``resent`` the most bytes of one that went over the line and must do so again.
    """

    def __init__(
        self,
        client: Client,
        on_block: Callable[[int], None] = lambda sent: None,
        patience: float = PATIENCE_SECONDS,
    ):
        self.netloc = urlsplit(client.base).netloc
        self.headers = {
            "Tus-Resumable": "1.0.0",
            "Authorization": f"Bearer {client.token}",
        }
        self.on_block = on_block
        self.patience = patience
        self.sent = self.interruptions = self.forgotten = self.resent = 0
        self.connection: http.client.HTTPConnection | None = None

    def call(self, method: str, path: str, blocks=None, size: int = 0, **headers: str):
        """One request and its answer; ``blocks`` gives a body of ``size`` bytes. Raises Interrupted."""
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        if self.connection is None:
            self.connection = http.client.HTTPConnection(self.netloc, timeout=60)
        try:
            names["Content-Length"] = str(size)
            self.connection.request(method, path, self._counted(blocks or ()), self.headers | names)
            answer = self.connection.getresponse()
            answer.read()
        except (OSError, http.client.HTTPException) as error:
            self.close()
            raise Interrupted(str(error)) from error
        if answer.status in PASSING:
            raise Interrupted(f"status {answer.status}")
        if answer.status >= 300:
            raise RuntimeError(f"{method} {path}: status {answer.status}")
        return answer

    def _counted(self, blocks: Iterable):
        for block in blocks:
            yield block
            self.sent += len(block)
            self.on_block(self.sent)

    def close(self) -> None:
        if self.connection is not None:
            self.connection.close()
            self.connection = None

    def create(self, length: int, **metadata: str) -> str:
        """Announce a file and return its path."""
        pairs = [f"{key} {base64.b64encode(text.encode()).decode()}" for key, text in metadata.items()]
        headers = {"Upload_Length": str(length), "Upload_Metadata": ",".join(pairs)}
        answer = self.call("POST", "/api/v1/uploads/", **headers)
        return urlsplit(answer.headers["Location"]).path

    def offset(self, path: str) -> int:
        return int(self.call("HEAD", path).headers["Upload-Offset"])

    def send(self, path: str, length: int, read: Callable[[int, int], bytes], chunk: int = CHUNK) -> None:
        """Send it all, ``chunk`` bytes a request, given by ``read(offset, size)``. Goes on after an error."""
        offset, deadline = 0, time.monotonic() + self.patience
        while offset < length:
            end = min(offset + chunk, length)
            starts = range(offset, end, BLOCK)
            blocks = (read(start, min(BLOCK, end - start)) for start in starts)
            headers = {"Upload_Offset": str(offset), "Content_Type": BYTES}
            before = self.sent
            try:
                answer = self.call("PATCH", path, blocks, end - offset, **headers)
                offset = int(answer.headers["Upload-Offset"])
                deadline = time.monotonic() + self.patience
            except Interrupted:
                reached = self._where(path, deadline)
                self._note(self.sent - before, offset, reached)
                offset = reached

    def _note(self, sent: int, acknowledged: int, reached: int) -> None:
        self.interruptions += 1
        self.forgotten = max(self.forgotten, acknowledged - reached)
        self.resent = max(self.resent, sent - max(0, reached - acknowledged))

    def _where(self, path: str, deadline: float) -> int:
        while True:
            time.sleep(0.5)
            try:
                return self.offset(path)
            except Interrupted:
                if time.monotonic() > deadline:
                    raise

    def discard(self, path: str) -> None:
        self.call("DELETE", path)
