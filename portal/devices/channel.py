"""A command's channel: feeds its input and collects its output at the same time, within bounds."""

from __future__ import annotations

import contextlib
import queue
import threading
import time
from collections.abc import Callable, Iterable

import paramiko

from portal.devices.transfer import chunks_of
from portal.devices.waiting import POLL_SECONDS
from workers.contract.messages import msg

STATUS_SECONDS = 30.0  # for the exit status, after the end of the output
MAX_KEPT_BYTES = 1024 * 1024
MAX_STREAMED_BYTES = 16 * 1024 * 1024
MAX_LINE_BYTES = 256 * 1024
PIECE_BYTES = 32 * 1024
PIECES_WAITING = 16
GONE = (OSError, EOFError, paramiko.SSHException)


class TooMuchOutput(Exception):
    """A command printed more than allowed; the message says how much."""


def feed(channel: paramiko.Channel, stdin: bytes | Iterable[bytes] | None) -> None:
    """Send a command its input, then end-of-file. If the input cannot be read, end the command."""
    try:
        for chunk in chunks_of(stdin) if isinstance(stdin, bytes) else stdin or ():
            _send(channel, chunk)
        channel.shutdown_write()
    except GONE:
        # It may have ended without reading everything; then its status counts. But if it still runs, it must
        # not take half of its input for all of it.
        if not channel.exit_status_ready():
            with contextlib.suppress(*GONE):
                channel.close()


def _send(channel: paramiko.Channel, data: bytes) -> None:
    """Send all of it. Not with sendall: the channel's short timeout is meant for reading, and a board with
    a slow SD card blocks a writer for longer. The end of the command ends it.
    """
    view = memoryview(data)
    while view:
        try:
            sent = channel.send(view)
        except TimeoutError:
            continue
        if sent == 0:
            raise EOFError("the command takes no more input")
        view = view[sent:]


class Stream:
    """The output of stdout or stderr: all of it, or only its end if lines are passed on one by one."""

    def __init__(self, name: str, limit: int, on_line: Callable[[str], None] | None, whole: bool):
        self._name, self._limit, self._on_line, self._whole = name, limit, on_line, whole
        self._kept = bytearray()
        self._line = bytearray()
        self._count = 0

    @property
    def text(self) -> str:
        return self._kept.decode("utf-8", "replace")

    def take(self, piece: bytes) -> None:
        """Raises TooMuchOutput."""
        self._count += len(piece)
        if self._count > self._limit:
            size, name = _size(self._limit), self._name
            raise TooMuchOutput(msg("more than {size} to {name}", size=size, name=name))
        self._kept += piece
        if not self._whole and len(self._kept) > 2 * MAX_KEPT_BYTES:
            del self._kept[:-MAX_KEPT_BYTES]
        if self._on_line is not None:
            self._report_lines(piece)

    def end(self) -> None:
        if self._on_line is not None and self._line:
            self._on_line(self._line.decode("utf-8", "replace"))

    def _report_lines(self, piece: bytes) -> None:
        if b"\n" in piece:
            *lines, rest = (bytes(self._line) + piece).split(b"\n")
            self._line = bytearray(rest)
        else:
            lines = []
            self._line += piece
        if len(self._line) > MAX_LINE_BYTES or any(len(line) > MAX_LINE_BYTES for line in lines):
            size = _size(MAX_LINE_BYTES)
            raise TooMuchOutput(msg("a line of more than {size}", size=size))
        for line in lines:
            self._on_line(line.decode("utf-8", "replace").rstrip("\r"))  # type: ignore[misc]


class Output:
    """Collects stdout and stderr of a channel; both must be read, or a chatty command blocks.

    Two threads read, so that the caller's thread never waits for the board alone.
    """

    def __init__(
        self,
        channel: paramiko.Channel,
        on_line: Callable[[str], None] | None = None,
        on_wait: Callable[[], None] = lambda: None,
        limit: int | None = None,
    ):
        """With ``on_line``, only the end of stdout is kept. ``limit`` applies to all bytes of stdout."""
        self._channel = channel
        self._on_wait = on_wait
        whole = on_line is None
        limit = limit or (MAX_KEPT_BYTES if whole else MAX_STREAMED_BYTES)
        self.stdout = Stream("stdout", limit, on_line, whole)
        self.stderr = Stream("stderr", MAX_STREAMED_BYTES, None, whole=False)
        self._pieces: queue.Queue[tuple[Stream, bytes]] = queue.Queue(PIECES_WAITING)
        self._stop = threading.Event()

    def collect(self, deadline: float) -> bool:
        """Read until both end and the status is known; False if the deadline passes first.

        Raises TooMuchOutput, and what ``on_line`` and ``on_wait`` raise.
        """
        self._channel.settimeout(POLL_SECONDS)
        for stream, receive in (
            (self.stdout, self._channel.recv),
            (self.stderr, self._channel.recv_stderr),
        ):
            threading.Thread(target=self._read, args=(stream, receive), daemon=True).start()
        try:
            return self._collect(deadline)
        finally:
            self._stop.set()

    def _collect(self, deadline: float) -> bool:
        unended, look = 2, 0.0
        while unended:
            now = time.monotonic()
            if now > deadline:
                return False
            if now >= look:  # by the clock: a command without pauses can be stopped too
                self._on_wait()
                look = now + POLL_SECONDS
            try:
                stream, piece = self._pieces.get(timeout=min(POLL_SECONDS, deadline - now))
            except queue.Empty:
                continue
            if piece:
                stream.take(piece)
            else:
                stream.end()
                unended -= 1
        return self._wait_for_status(min(deadline, time.monotonic() + STATUS_SECONDS))

    def _wait_for_status(self, deadline: float) -> bool:
        while not self._channel.status_event.wait(POLL_SECONDS):
            if self._channel.closed:
                break
            if time.monotonic() > deadline:
                return False
            self._on_wait()
        return True

    def _read(self, stream: Stream, receive: Callable[[int], bytes]) -> None:
        piece = b"more"
        while piece:
            try:
                piece = receive(PIECE_BYTES)
            except TimeoutError:
                if self._stop.is_set():
                    return
                continue
            except GONE:
                piece = b""
            if not self._hand_over(stream, piece):
                return

    def _hand_over(self, stream: Stream, piece: bytes) -> bool:
        """False if nobody takes it any more."""
        while not self._stop.is_set():
            try:
                self._pieces.put((stream, piece), timeout=POLL_SECONDS)
            except queue.Full:
                continue
            return True
        return False


def _size(count: int) -> str:
    return f"{count // 1048576} MB" if count >= 1048576 else f"{count // 1024} kB"
