"""One SSH connection to a board: run a command, put and get files. Standard library and paramiko only.

Works with OpenSSH, dropbear and busybox: commands are argument lists quoted for a POSIX shell, files
go by SFTP or, where a board has no SFTP server, through ``cat > file``.
Not in charge of what runs on the board (``remote_runner``) or of what is where (``deployments.steps``).
"""

from __future__ import annotations

import contextlib
import hashlib
import shlex
import socket
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import paramiko

from portal.devices import transfer
from portal.devices.channel import Output, feed
from portal.devices.errors import (
    BoardError,
    ConnectionLost,
    DiskFull,
    RemoteFailed,
    RemoteTimeout,
    WrongPassword,
)
from portal.devices.hostkeys import HostKey, check_host_key, load_private_key, open_transport

KEEPALIVE_SECONDS = 10
# After this long without an acknowledgement from the board the kernel gives the connection up.
# Without it a board that lost its power keeps a command waiting for a quarter of an hour.
DEAD_AFTER_MS = 30_000
SETTLE_SECONDS = 0.5
COMMAND_NOT_FOUND = (126, 127)


@dataclass(frozen=True)
class RunResult:
    """What a command said. ``status`` is its exit status; -1 when a signal ended it."""

    argv: list[str]
    status: int
    stdout: str
    stderr: str

    @property
    def ok(self) -> bool:
        return self.status == 0

    @property
    def not_found(self) -> bool:
        return self.status in COMMAND_NOT_FOUND

    def last_words(self) -> str:
        """The last line of its errors, or of its output: what to quote to a person."""
        lines = [line for line in (self.stdout + "\n" + self.stderr).splitlines() if line.strip()]
        return lines[-1].strip()[:300] if lines else "it said nothing"


class BoardConnection:
    """A logged-in connection. Use as a context manager; one thread at a time.

    ``host_key`` is the key pinned at registration; it is compared before the password or key is used.
    """

    def __init__(self, transport: paramiko.Transport, address: str):
        self._transport = transport
        self.address = address
        # Called twice a second while a command is waited for; what it raises ends the wait.
        self.on_wait: Callable[[], None] | None = None
        self._sftp: paramiko.SFTPClient | None = None
        self._has_sftp: bool | None = None

    @classmethod
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
    ) -> BoardConnection:
        """Log in. Raises Unreachable, HostKeyChanged, WrongPassword, or BoardError for a bad key."""
        address = f"{host}:{port}"
        pinned = host_key if isinstance(host_key, HostKey) else HostKey.parse(host_key)
        key = load_private_key(private_key, passphrase) if private_key else None
        transport = open_transport(host, port, timeout, prefer=pinned)
        try:
            check_host_key(transport, address, pinned)
            transport.auth_timeout = timeout
            _log_in(transport, address, user, password, key)
        except BaseException:
            transport.close()
            raise
        transport.set_keepalive(KEEPALIVE_SECONDS)
        with contextlib.suppress(OSError, AttributeError):
            transport.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, DEAD_AFTER_MS)
        return cls(transport, address)

    def __enter__(self) -> BoardConnection:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()

    def close(self) -> None:
        self._transport.close()

    @property
    def alive(self) -> bool:
        return self._transport.is_active()

    def gone(self) -> bool:
        """Whether the connection is lost, asked after a failure: paramiko closes the channels of a lost
        connection a moment before it says so of the connection itself."""
        self._transport.join(timeout=SETTLE_SECONDS)
        return not self.alive

    @property
    def banner(self) -> str:
        """What the server said before the login; empty for most boards."""
        raw = self._transport.get_banner()
        return raw.decode("utf-8", "replace").strip() if raw else ""

    @property
    def server_version(self) -> str:
        return self._transport.remote_version

    @contextlib.contextmanager
    def undisturbed(self) -> Iterator[None]:
        """Leave ``on_wait`` alone inside the block: for what must be finished, and for tidying up."""
        kept, self.on_wait = self.on_wait, None
        try:
            yield
        finally:
            self.on_wait = kept

    def lost(self, doing: str) -> ConnectionLost:
        return ConnectionLost(
            f"The connection to the board at {self.address} broke while {doing}: "
            "check its power and its cable or Wi-Fi, then try again."
        )

    # Commands

    def run(
        self,
        argv: list[str],
        *,
        timeout: float = 60.0,
        stdin: bytes | Iterable[bytes] | None = None,
        on_line: Callable[[str], None] | None = None,
        on_wait: Callable[[], None] | None = None,
    ) -> RunResult:
        """Run a command and wait for its end; ``on_line`` gets each line of stdout as it comes.

        ``on_wait`` is called about twice a second, as the connection's own is. A command that fails is a
        RunResult like any other. Raises ConnectionLost, and RemoteTimeout after ``timeout`` seconds.
        """
        doing = f"running {argv[0]}"
        channel = self._open_channel(argv, doing)
        output = Output(channel, on_line, [call for call in (self.on_wait, on_wait) if call])
        feeder = threading.Thread(target=feed, args=(channel, stdin), daemon=True)
        feeder.start()
        try:
            if not output.collect(time.monotonic() + timeout):
                raise RemoteTimeout(
                    f"{argv[0]} on the board at {self.address} did not end within {timeout:g} seconds: "
                    "the board may be busy or out of memory; restart it and try again."
                )
            status = channel.recv_exit_status()
        except OSError as error:
            raise self.lost(doing) from error
        finally:
            channel.close()
        if status == -1 and self.gone():
            raise self.lost(doing)
        return RunResult(list(argv), status, output.text(0), output.text(1))

    def _open_channel(self, argv: list[str], doing: str) -> paramiko.Channel:
        try:
            channel = self._transport.open_session(timeout=30)
            channel.exec_command(shlex.join(argv))
        except (paramiko.SSHException, EOFError, OSError) as error:
            if self.gone():
                raise self.lost(doing) from error
            raise RemoteFailed(
                f"The board at {self.address} refused to run {argv[0]} ({error}): "
                "check that its user may run commands over SSH."
            ) from error
        return channel

    # Files

    def sftp(self) -> paramiko.SFTPClient | None:
        """The SFTP session, opened at first use; None where the board has no SFTP server."""
        if self._has_sftp is None:
            try:
                self._sftp = paramiko.SFTPClient.from_transport(self._transport)
                self._has_sftp = True
            except (paramiko.SSHException, EOFError, OSError) as error:
                if self.gone():
                    raise self.lost("opening SFTP") from error
                self._has_sftp = False
        return self._sftp

    def make_folder(self, path: str) -> None:
        result = self.run(["mkdir", "-p", path])
        if not result.ok:
            raise self.write_failure(path, result.last_words())

    def put_bytes(self, data: bytes, path: str, *, verify: bool = True) -> None:
        """Write a file on the board. Raises DiskFull, RemoteFailed, ConnectionLost."""
        transfer.put_stream(self, transfer.chunks_of(data), path)
        if verify:
            self._verify({path: hashlib.sha256(data).hexdigest()})

    def put_file(
        self,
        local: Path,
        path: str,
        *,
        verify: bool = True,
        on_progress: Callable[[int], None] | None = None,
    ) -> None:
        """Copy a local file to the board; ``on_progress`` gets the bytes sent so far."""
        source = transfer.FileSource(local)

        def tell() -> None:
            if on_progress:
                on_progress(source.taken)

        transfer.put_stream(self, source, path, tell)
        if verify:
            self._verify({path: source.digest.hexdigest()})

    def put_many(self, files: Mapping[str, bytes | Path], folder: str, *, python: str = "python") -> None:
        """Put many small files into a folder of the board in one stream, and compare their hashes.

        ``files`` maps plain ASCII file names, without folders, to contents. Uses the board's Python to
        unpack, else its ``tar``, else one transfer a file.
        """
        transfer.put_many(self, files, folder, python)

    def get(self, path: str) -> bytes:
        """Read a whole file. Raises RemoteFailed when it cannot be read."""
        return transfer.get(self, path)

    def sha256(self, paths: list[str], *, python: str = "python") -> dict[str, str]:
        """Hashes of files on the board, by path; a file that cannot be read is left out."""
        return transfer.sha256(self, paths, python)

    def _verify(self, expected: Mapping[str, str]) -> None:
        found = self.sha256(list(expected))
        for path, digest in expected.items():
            if found.get(path) != digest:
                raise RemoteFailed(
                    f"{path} arrived damaged on the board at {self.address}: "
                    "its SD card may be failing; try again, then replace the card."
                )

    def free_bytes(self, path: str) -> int | None:
        """Free space of the file system that holds ``path``; None when the board does not say."""
        result = self.run(["df", "-k", path])
        return transfer.parse_df(result.stdout)[1] if result.ok else None

    def write_failure(self, path: str, reason: str) -> BoardError:
        """Turn a failed write into the right error: SFTP servers hide a full disk behind "Failure"."""
        if self.gone():
            return self.lost(f"writing {path}")
        if transfer.says_disk_full(reason) or transfer.has_no_room(self, path):
            return DiskFull(
                f"The storage of the board at {self.address} is full: {path} could not be written. "
                "Delete files or old releases on it, or use a larger SD card."
            )
        return RemoteFailed(
            f"{path} could not be written on the board at {self.address} ({reason}): "
            "check that its user may write there and that the storage is not read-only."
        )


def _log_in(
    transport: paramiko.Transport, address: str, user: str, password: str | None, key: paramiko.PKey | None
) -> None:
    try:
        if key is not None:
            transport.auth_publickey(user, key)
        else:
            transport.auth_password(user, password or "")
    except paramiko.BadAuthenticationType as error:
        offered = ", ".join(error.allowed_types) or "nothing"
        raise WrongPassword(
            f"The board at {address} does not take this way of logging in (it offers {offered}): "
            f"give {'a password' if key is not None else 'a private key'} instead."
        ) from error
    except paramiko.AuthenticationException as error:
        what = "key" if key is not None else "password"
        raise WrongPassword(
            f"The board at {address} refused the {what} of user {user}: correct the user name or the "
            f"{what} on the device's page."
        ) from error
    except (paramiko.SSHException, EOFError, OSError) as error:
        raise ConnectionLost(
            f"The connection to the board at {address} broke while logging in: "
            "check its power and its cable or Wi-Fi, then try again."
        ) from error
