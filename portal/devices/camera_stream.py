"""Reads the images of a board's camera from ``workers/board/camera.py``, which runs there while it is read.

Each image is asked for, so neither side queues any: a slow reader gets fewer images, and no old ones.
"""

from __future__ import annotations

import struct
import time
from dataclasses import dataclass
from typing import Any

from portal.core.untrusted import Malformed, parse_json
from portal.devices.channel import GONE
from portal.devices.cleaning import clean_message
from portal.devices.connection import BoardConnection
from portal.devices.errors import RemoteTimeout
from portal.devices.remote_runner import Profile, malformed, program, raise_reported
from portal.devices.results import RunResult
from portal.devices.waiting import POLL_SECONDS
from workers.contract.messages import msg

SILENT_SECONDS = 20.0  # without any byte of the board
START_SECONDS = 120.0  # until the first image: loading a model takes its time
LONGEST_MESSAGE_SECONDS = 60.0  # beyond that, of a board that sends a byte now and then
HEARTBEAT_SECONDS = 2.0
MAX_HEAD_BYTES = 64 * 1024
MAX_IMAGE_BYTES = 8 * 1024 * 1024
MAX_NOISE_BYTES = 16 * 1024 * 1024
KEPT_NOISE_BYTES = 4096
PIECE_BYTES = 64 * 1024
AHEAD = 2  # images asked for before the last one has arrived
SIZE = (640, 480)
JPEG = b"\xff\xd8\xff"
WANTED, ALIVE = b"n", b"."
# Runs the program that comes first on standard input, and leaves the rest of the input to it.
LOADER = (
    "import os,sys\nn=int(sys.argv.pop(1));s=b''\nwhile len(s)<n:\n p=os.read(0,n-len(s))\n"
    " if not p:sys.exit(9)\n s+=p\nexec(compile(s,'camera.py','exec'),{'__name__':'__main__'})"
)


@dataclass(frozen=True)
class Frame:
    """An image as JPEG. ``fields`` hold ``number``, ``taken`` (by the board's clock), and the prediction
    with its ``task`` and ``ms`` if a release runs.
    """

    fields: dict[str, Any]
    jpeg: bytes


class CameraStream:
    """The camera of a board, as a context manager; ``ready`` says what it is, ``next`` returns a frame.

    Both raise CameraFailed, ConnectionLost, RemoteTimeout, MalformedAnswer and RemoteFailed. ``release`` is
    the folder of the release that predicts each image.
    """

    def __init__(
        self, connection: BoardConnection, profile: Profile, size=SIZE, release: str = "", ahead=AHEAD
    ):
        """``ahead``: how many images to ask for before the caller wants them; 0 for single ones."""
        self._connection, self._profile = connection, profile
        source = program("board/camera.py")
        self._argv = [profile.python, "-c", LOADER, str(len(source)), "--driver", profile.driver]
        self._argv += ["--size", f"{size[0]}x{size[1]}", *(["--release", release] if release else [])]
        self._source, self._kept = source, bytearray()
        self._noise, self._noise_bytes = bytearray(), 0
        self._patience = START_SECONDS
        self._beaten_at = 0.0
        self._ahead, self._asked = ahead, 0

    def __enter__(self) -> CameraStream:
        self._channel = self._connection.open_channel(self._argv, time.monotonic() + START_SECONDS)
        self._channel.settimeout(POLL_SECONDS)
        try:
            self._send(self._source)
            self._ask(self._ahead)
            self.ready = self._message("ready")[0]
        except BaseException:
            self._connection.end_channel(self._channel)
            raise
        self._patience = SILENT_SECONDS
        return self

    def __exit__(self, *_exc: object) -> None:
        self._connection.end_channel(self._channel)

    def next(self) -> Frame:
        """The next image."""
        self._ask(0 if self._asked else 1)
        fields, jpeg = self._message("frame")
        if not jpeg.startswith(JPEG):
            raise malformed(self._connection, msg("an image that is no JPEG"))
        self._asked -= 1
        self._ask(self._ahead - self._asked)
        return Frame(fields, jpeg)

    def _ask(self, count: int) -> None:
        if count > 0:
            self._send(WANTED * count)
            self._asked += count

    def rest(self, seconds: float) -> None:
        """Wait without asking for images, and tell the board that its reader is alive."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            self._check()
            time.sleep(min(left, POLL_SECONDS))

    # --- bytes

    def _message(self, wanted: str) -> tuple[dict[str, Any], bytes]:
        head = self._head()
        try:
            raw = parse_json(head)
            size = raw.pop("bytes", 0) if isinstance(raw, dict) else 0
            message = clean_message(raw)
        except Malformed as error:
            raise malformed(self._connection, error) from error
        if message is not None and message["type"] == "error":
            raise_reported(self._connection, self._profile, self._result(1), [message])
        if message is None or message["type"] != wanted:
            raise malformed(self._connection, msg("a message of another kind"))
        if isinstance(size, bool) or not isinstance(size, int) or not 0 <= size <= MAX_IMAGE_BYTES:
            raise malformed(self._connection, msg("an image that is too large"))
        return message, self._take(size)

    def _head(self) -> bytes:
        (length,) = struct.unpack(">I", self._take(4))
        if length > MAX_HEAD_BYTES:
            raise malformed(self._connection, msg("a message that is too long"))
        return self._take(length)

    def _take(self, count: int) -> bytes:
        until = time.monotonic() + self._patience
        last = until + LONGEST_MESSAGE_SECONDS
        while len(self._kept) < count:
            self._check()
            if time.monotonic() > last:
                raise self._late()
            try:
                piece = self._channel.recv(PIECE_BYTES)
            except TimeoutError:
                if time.monotonic() > until:
                    raise self._late() from None
                continue
            except GONE:
                piece = b""
            if not piece:
                self._ended()
            self._kept += piece
        taken = bytes(self._kept[:count])
        del self._kept[:count]
        return taken

    def _check(self) -> None:
        """What must happen while it waits: stop if asked to, read the library's output, show life."""
        if self._connection.on_wait is not None:
            self._connection.on_wait()
        while self._channel.recv_stderr_ready():
            piece = self._channel.recv_stderr(PIECE_BYTES)
            self._noise_bytes += len(piece)
            self._noise = (self._noise + piece)[-KEPT_NOISE_BYTES:]
            if not piece or self._noise_bytes > MAX_NOISE_BYTES:
                break
        if self._noise_bytes > MAX_NOISE_BYTES:
            raise malformed(self._connection, msg("it does not stop printing"))
        if time.monotonic() - self._beaten_at > HEARTBEAT_SECONDS:
            self._send(ALIVE)

    def _send(self, data: bytes) -> None:
        view, until = memoryview(data), time.monotonic() + SILENT_SECONDS
        while view:
            try:
                sent = self._channel.send(view)
            except TimeoutError:
                if time.monotonic() > until:
                    raise self._late() from None
                continue
            except GONE:
                return  # the next read says what happened
            view = view[sent:]
            if not sent:
                return
        self._beaten_at = time.monotonic()

    def _late(self) -> RemoteTimeout:
        return RemoteTimeout(
            msg(
                "The camera of the board at {address} gave no image within {seconds} seconds: restart "
                "the board.",
                address=self._connection.address,
                seconds=f"{self._patience:g}",
            )
        )

    def _ended(self) -> None:
        """The program has ended without a message."""
        if self._connection.gone():
            raise self._connection.lost(msg("reading the camera"))
        self._channel.status_event.wait(SILENT_SECONDS)
        raise_reported(self._connection, self._profile, self._result(self._channel.exit_status), [])

    def _result(self, status: int) -> RunResult:
        return RunResult(self._argv, status or 1, "", self._noise.decode("utf-8", "replace"))
