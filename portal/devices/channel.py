"""One command's channel: feeding its input and collecting its output, at the same time."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterable

import paramiko

from portal.devices.transfer import chunks_of

POLL_SECONDS = 0.5


def feed(channel: paramiko.Channel, stdin: bytes | Iterable[bytes] | None) -> None:
    """Give a command its input, then the end of it. What cannot be read here ends the command."""
    try:
        for chunk in chunks_of(stdin) if isinstance(stdin, bytes) else stdin or ():
            _send(channel, chunk)
        channel.shutdown_write()
    except (OSError, EOFError, paramiko.SSHException):
        # It may have ended without reading it all, and then its status is what counts; but if it is
        # still there, it must not take half of its input for the whole.
        if not channel.exit_status_ready():
            channel.close()


def _send(channel: paramiko.Channel, data: bytes) -> None:
    """Send all of it. Not sendall: the channel's short timeout is meant for reading, and a board that
    takes its time over its SD card keeps a writer waiting for longer."""
    view = memoryview(data)
    while view:
        try:
            sent = channel.send(view)
        except TimeoutError:
            continue
        if sent == 0:
            raise EOFError("the command takes no more input")
        view = view[sent:]


class Output:
    """Collects stdout and stderr of a channel; both must be read or a talkative command blocks."""

    def __init__(
        self,
        channel: paramiko.Channel,
        on_line: Callable[[str], None] | None,
        on_wait: list[Callable[[], None]],
    ):
        self._channel = channel
        self._on_wait = on_wait
        self._on_line = on_line
        self._data: tuple[bytearray, bytearray] = (bytearray(), bytearray())
        self._told = 0

    def text(self, which: int) -> str:
        return self._data[which].decode("utf-8", "replace")

    def collect(self, deadline: float) -> bool:
        """Read until both ends; False when the deadline passes first."""
        errors = threading.Thread(target=self._drain_stderr, daemon=True)
        errors.start()
        self._channel.settimeout(POLL_SECONDS)
        while True:
            if time.monotonic() > deadline:
                return False
            try:
                chunk = self._channel.recv(65536)
            except TimeoutError:
                for call in self._on_wait:
                    call()
                continue
            if not chunk:
                break
            self._data[0].extend(chunk)
            self._tell_lines()
        self._tell_lines(at_end=True)
        errors.join(timeout=max(0.0, deadline - time.monotonic()))
        while not self._channel.status_event.wait(POLL_SECONDS):
            if self._channel.closed:
                break
            if time.monotonic() > deadline:
                return False
        return True

    def _drain_stderr(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                try:
                    chunk = self._channel.recv_stderr(65536)
                except TimeoutError:
                    continue
                if not chunk:
                    return
                self._data[1].extend(chunk)

    def _tell_lines(self, at_end: bool = False) -> None:
        if self._on_line is None:
            return
        stop = len(self._data[0]) if at_end else self._data[0].rfind(b"\n") + 1
        if stop <= self._told:
            return
        whole = bytes(self._data[0][self._told : stop])
        self._told = stop
        for line in whole.splitlines():
            self._on_line(line.decode("utf-8", "replace"))
