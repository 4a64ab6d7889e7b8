"""One SSH connection to a board: run a command, put and get files. Standard library and paramiko only.

Works with OpenSSH, dropbear and busybox: commands are argument lists quoted for a POSIX shell; files go by
SFTP or, if a board has no SFTP server, through ``cat > file``. Whatever a board does, each call here ends: it
has a deadline and a bound on what it reads, and while it waits it checks twice a second whether to stop
(``waiting``, ``ssh``, ``channel``). ``remote_runner`` runs programs on the board; ``deployment.steps`` knows
its folders.
"""

from __future__ import annotations

import contextlib
import hashlib
import shlex
import socket
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import paramiko

from portal.core.tracing import traced
from portal.core.untrusted import clean_text
from portal.devices import transfer
from portal.devices.channel import GONE, Output, TooMuchOutput, feed
from portal.devices.dialing import open_line
from portal.devices.errors import (
    BoardError,
    ConnectionLost,
    DiskFull,
    MalformedAnswer,
    RemoteFailed,
    RemoteTimeout,
)
from portal.devices.hostkeys import HostKey
from portal.devices.jumping import Jump
from portal.devices.results import RunResult
from portal.devices.ssh import BoardTransport, open_sftp
from portal.devices.waiting import Helper, Overdue
from workers.contract.messages import msg

KEEPALIVE_SECONDS = 10
# Without an acknowledgement from the board for this long, the kernel closes the connection. Otherwise a board
# that lost power would block a command for a quarter of an hour.
DEAD_AFTER_MS = 30_000
SETTLE_SECONDS = 0.5
OPEN_SECONDS = 30.0
CLOSE_SECONDS = 2.0


class BoardConnection:
    """A logged-in connection. Use as a context manager; one thread at a time."""

    def __init__(self, transport: BoardTransport, address: str):
        self._transport = transport
        self.address = address
        # Called twice a second while waiting for the board; what it raises ends the wait.
        self.on_wait: Callable[[], None] | None = None
        # The same inside ``undisturbed``: what it raises ends even work that must be finished.
        self.late_check: Callable[[], None] | None = None
        self._until = float("inf")
        self._helper = Helper("board")
        self._sftp: paramiko.SFTPClient | None = None
        self._has_sftp: bool | None = None

    @classmethod
    @traced("connect to board")
    def connect(
        cls,
        host: str,
        port: int = 22,
        user: str = "root",
        *,
        host_key: HostKey | str,
        password: str | None = None,
        private_key: str | None = None,
        passphrase: str | None = None,
        timeout: float = 10.0,
        on_wait: Callable[[], None] | None = None,
        jump: Jump | None = None,
    ) -> BoardConnection:
        """Log in. ``host_key`` is the one pinned at registration; it is compared before a secret is used.

        ``timeout`` applies to each step: the connection, the key exchange, each login response. Raises
        Unreachable, HostKeyChanged, WrongPassword, ConnectionLost, JumpFailed, BoardError for a bad key,
        and what ``on_wait`` raises.
        """
        pinned = host_key if isinstance(host_key, HostKey) else HostKey.parse(host_key)
        secrets = (password, private_key, passphrase)
        transport = open_line(host, port, user, pinned, secrets, timeout, on_wait, jump)
        transport.set_keepalive(KEEPALIVE_SECONDS)
        with contextlib.suppress(OSError, AttributeError):
            (transport.carrier or transport).sock.setsockopt(
                socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, DEAD_AFTER_MS
            )
        return cls(transport, f"{host}:{port}")

    def __enter__(self) -> BoardConnection:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection at once, ending whatever waits in it."""
        self._transport.close()
        self._helper.close()

    @property
    def alive(self) -> bool:
        return self._transport.is_active()

    def gone(self) -> bool:
        """Whether the connection is lost, for use after a failure: paramiko closes the channels of a lost
        connection a moment before it reports the connection itself as closed.
        """
        self._transport.join(timeout=SETTLE_SECONDS)
        return not self.alive

    @property
    def banner(self) -> str:
        """What the server said before the login; empty for most boards."""
        raw = self._transport.get_banner()
        return clean_text(raw.decode("utf-8", "replace")) if raw else ""

    @property
    def server_version(self) -> str:
        return clean_text(self._transport.remote_version)

    @contextlib.contextmanager
    def undisturbed(self, seconds: float | None = None) -> Iterator[None]:
        """Call only ``late_check`` inside the block: for work that must be finished, and for clean-up.

        ``seconds`` bounds the block's total waiting time.
        """
        kept = self.on_wait, self._until
        self.on_wait = self.late_check
        if seconds is not None:
            self._until = min(self._until, time.monotonic() + seconds)
        try:
            yield
        finally:
            self.on_wait, self._until = kept

    def lost(self, doing: str) -> BoardError:
        """The error for a connection that broke during an operation."""
        if self._transport.overstepped is not None:
            return MalformedAnswer.of_protocol(self.address, self._transport.overstepped)
        return ConnectionLost(
            msg(
                "The connection to the board at {address} broke while {doing}: check its power "
                "and its cable or Wi-Fi, then try again.",
                address=self.address,
                doing=doing,
            )
        )

    def _late(self, doing: str, seconds: float) -> RemoteTimeout:
        return RemoteTimeout(
            msg(
                "The board at {address} did not answer within {seconds} seconds while {doing}: "
                "the board may be busy or out of memory; restart it and try again.",
                address=self.address,
                seconds=f"{seconds:g}",
                doing=doing,
            )
        )

    def patiently(self, function: Callable[[], Any], seconds: float, doing: str) -> Any:
        """Run a function that waits for the board in the helper's thread; return its result.

        Raises RemoteTimeout after ``seconds`` and closes the connection: a board in the middle of a response
        can be asked nothing else. Raises paramiko's exceptions as one of GONE.
        """
        allowed = max(0.1, min(seconds, self._until - time.monotonic()))
        try:
            return self._helper.call(lambda: _as_gone(function), allowed, self.on_wait)
        except (Overdue, TimeoutError) as error:
            self._transport.close()
            raise self._late(doing, round(allowed)) from error

    # Commands

    @traced("run on board")
    def run(
        self,
        argv: list[str],
        *,
        timeout: float = 60.0,
        stdin: bytes | Iterable[bytes] | None = None,
        on_line: Callable[[str], None] | None = None,
        on_wait: Callable[[], None] | None = None,
        limit: int | None = None,
    ) -> RunResult:
        """Run a command and wait for its end; ``on_line`` gets each line of stdout as it arrives.

        ``on_wait`` is called about twice a second, like the connection's own. ``limit`` bounds the bytes of
        stdout. A failing command is a RunResult like any other. Raises ConnectionLost, MalformedAnswer if it
        prints too much, and RemoteTimeout after ``timeout`` seconds.
        """
        deadline = min(time.monotonic() + timeout, self._until)
        channel = self.open_channel(argv, deadline)

        def report_wait() -> None:
            for call in (self.on_wait, on_wait):
                if call is not None:
                    call()

        output = Output(channel, on_line, report_wait, limit)
        threading.Thread(target=feed, args=(channel, stdin), daemon=True).start()
        try:
            self._collect(output, argv, deadline, timeout)
            status = channel.exit_status
        finally:
            self.end_channel(channel)
        if status == -1 and self.gone():
            raise self.lost(msg("running {command}", command=argv[0]))
        return RunResult(list(argv), status, output.stdout.text, output.stderr.text)

    def _collect(self, output: Output, argv: list[str], deadline: float, timeout: float) -> None:
        try:
            if output.collect(deadline):
                return
        except TooMuchOutput as error:
            raise MalformedAnswer(
                msg(
                    "{command} on the board at {address} printed {error}: something is wrong with the "
                    "board's programs; restart it and try again.",
                    command=argv[0],
                    address=self.address,
                    error=error,
                )
            ) from error
        raise RemoteTimeout(
            msg(
                "{command} on the board at {address} did not end within {timeout} seconds: the "
                "board may be busy or out of memory; restart it and try again.",
                command=argv[0],
                address=self.address,
                timeout=f"{timeout:g}",
            )
        )

    def open_channel(self, argv: list[str], deadline: float) -> paramiko.Channel:
        """Start a command whose input and output the caller handles. End it with ``end_channel``."""
        doing = msg("running {command}", command=argv[0])

        def start() -> paramiko.Channel:
            channel = self._transport.open_session(timeout=OPEN_SECONDS)
            channel.exec_command(shlex.join(argv))
            return channel

        try:
            return self.patiently(start, min(OPEN_SECONDS, deadline - time.monotonic()), doing)
        except GONE as error:
            if self.gone():
                raise self.lost(doing) from error
            raise RemoteFailed(
                msg(
                    "The board at {address} refused to run {command} ({error}): check that its user may "
                    "run commands over SSH.",
                    address=self.address,
                    command=argv[0],
                    error=error,
                )
            ) from error

    def end_channel(self, channel: paramiko.Channel) -> None:
        """Close it. If the board does not even accept that, close its connection."""
        try:
            self._helper.call(channel.close, CLOSE_SECONDS)
        except Overdue:
            self._transport.close()
        except GONE:
            pass  # nothing left to close

    # Files

    def sftp(self) -> paramiko.SFTPClient | None:
        """The SFTP session, opened on first use; None if the board has no SFTP server."""
        if self._has_sftp is None:
            doing = msg("opening SFTP")
            try:
                self._sftp = self.patiently(lambda: open_sftp(self._transport), OPEN_SECONDS, doing)
                self._has_sftp = True
            except GONE as error:
                if self.gone():
                    raise self.lost(doing) from error
                self._has_sftp = False
        return self._sftp

    def make_folder(self, *paths: str) -> None:
        result = self.run(["mkdir", "-p", *paths])
        if not result.ok:
            raise self.write_failure(paths[0], result.last_words())

    def put_bytes(self, data: bytes, path: str, *, verify: bool = True) -> None:
        """Write a file on the board. Raises DiskFull, RemoteFailed, ConnectionLost."""
        transfer.put_stream(self, transfer.chunks_of(data), path)
        if verify:
            self._verify({path: hashlib.sha256(data).hexdigest()})

    @traced("send file to board")
    def put_file(
        self,
        local: Path,
        path: str,
        *,
        verify: bool = True,
        on_progress: Callable[[int], None] | None = None,
        start: int = 0,
    ) -> None:
        """Copy a local file to the board, which has the first ``start`` bytes; ``on_progress`` gets the
        bytes there by now.
        """
        source = transfer.FileSource(local, start)

        def report_progress() -> None:
            if on_progress:
                on_progress(source.taken)

        transfer.put_stream(self, source, path, report_progress, start)
        if verify:
            self._verify({path: source.digest.hexdigest()})

    @traced("send files to board")
    def put_many(self, files: Mapping[str, bytes | Path], folder: str, *, python: str = "python") -> None:
        """Copy many small files into a folder of the board in one stream, and compare their hashes.

        ``files`` maps plain ASCII file names, without folders, to contents. Uses the board's Python to
        unpack, else its ``tar``, else one transfer per file.
        """
        transfer.put_many(self, files, folder, python)

    @traced("get file from board")
    def get(self, path: str, limit: int = transfer.MAX_FILE_BYTES) -> bytes:
        """Read a whole file of at most ``limit`` bytes. Raises RemoteFailed if it cannot be read."""
        return transfer.get(self, path, limit)

    def sha256(self, paths: list[str], *, python: str = "python") -> dict[str, str]:
        """Hashes of files on the board, by path; unreadable files are omitted."""
        return transfer.sha256(self, paths, python)

    def _verify(self, expected: Mapping[str, str]) -> None:
        found = self.sha256(list(expected))
        for path, digest in expected.items():
            if found.get(path) != digest:
                raise RemoteFailed(
                    msg(
                        "{path} arrived damaged on the board at {address}: its SD card may be failing; "
                        "try again, then replace the card.",
                        path=path,
                        address=self.address,
                    )
                )

    def free_bytes(self, path: str) -> int | None:
        """Free space of the file system that holds ``path``; None if the board does not say."""
        result = self.run(["df", "-k", path], timeout=20)
        return transfer.parse_df(result.stdout)[1] if result.ok else None

    def write_failure(self, path: str, reason: str) -> BoardError:
        """The right error for a failed write: SFTP servers hide a full disk behind "Failure"."""
        if self.gone():
            return self.lost(msg("writing {path}", path=path))
        if transfer.says_disk_full(reason) or transfer.has_no_room(self, path):
            return DiskFull(
                msg(
                    "The storage of the board at {address} is full: {path} could not be written. "
                    "Delete files or old releases on it, or use a larger SD card.",
                    address=self.address,
                    path=path,
                )
            )
        return RemoteFailed(
            msg(
                "{path} could not be written on the board at {address} ({reason}): check that "
                "its user may write there and that the storage is not read-only.",
                path=path,
                address=self.address,
                reason=reason,
            )
        )


def _as_gone(function: Callable[[], Any]) -> Any:
    """Call it. paramiko lets through any exception about malformed input from a server: a KeyError, say."""
    try:
        return function()
    except GONE:
        raise
    except Exception as error:
        raise paramiko.SSHException(type(error).__name__) from error
