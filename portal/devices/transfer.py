"""Transfers files to and from a board, by SFTP or by plain commands if a board has no SFTP server."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import io
import tarfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path

import paramiko

from portal.devices.errors import MalformedAnswer, RemoteFailed
from portal.devices.link import Link
from workers.contract.messages import msg

CHUNK = 32768
TRANSFER_SECONDS = 1800.0
ANSWER_SECONDS = 60.0  # for one SFTP response: an SD card may be busy for half a minute
CLOSE_SECONDS = 2.0
MAX_FILE_BYTES = 64 * 1024 * 1024
MAX_DIGITS = 13  # of a count of kilobytes: a longer one is impossible
# Below this many free bytes, a failed write counts as a full disk.
NO_ROOM_BYTES = 65536
# Constant scripts; variable parts are passed as arguments, so nothing is ever spliced into shell text.
WRITE_SCRIPT = 'cat > "$1"'
APPEND_SCRIPT = 'cat >> "$1"'
HASH_ALL_SCRIPT = 'cd "$1" && sha256sum -- *'
UNPACK_PROGRAM = (
    "import sys, tarfile\ntarfile.open(fileobj=sys.stdin.buffer, mode='r|').extractall(sys.argv[1])"
)
HASH_PROGRAM = (
    "import sys, hashlib\n"
    "for p in sys.argv[1:]: print(hashlib.sha256(open(p, 'rb').read()).hexdigest() + '  ' + p)"
)


def chunks_of(data: bytes) -> Iterator[bytes]:
    for start in range(0, len(data), CHUNK):
        yield data[start : start + CHUNK]


class FileSource:
    """The chunks of a local file from ``start`` on; counts the consumed bytes of the file, and hashes
    them.
    """

    def __init__(self, path: Path, start: int = 0):
        self._path = path
        self.taken = start
        self.digest = hashlib.sha256()

    def __iter__(self) -> Iterator[bytes]:
        with self._path.open("rb") as stream:
            self.digest.update(stream.read(self.taken))
            while chunk := stream.read(CHUNK):
                self.digest.update(chunk)
                self.taken += len(chunk)
                yield chunk


def put_stream(
    connection: Link,
    chunks: Iterable[bytes],
    path: str,
    on_progress: Callable[[], None] = lambda: None,
    start: int = 0,
) -> None:
    """Write a file, or continue one at ``start``; raises DiskFull, RemoteFailed or ConnectionLost.

    ``on_progress`` is called regularly in the caller's thread, and may raise to abort.
    """
    sftp = connection.sftp()
    if sftp is None:
        argv = ["sh", "-c", APPEND_SCRIPT if start else WRITE_SCRIPT, "sh", path]
        result = connection.run(argv, stdin=chunks, timeout=TRANSFER_SECONDS, on_wait=on_progress)
        if not result.ok:
            raise connection.write_failure(path, result.last_words())
        on_progress()
        return
    doing = msg("writing {path}", path=path)
    try:
        mode = "r+b" if start else "wb"
        remote = connection.patiently(lambda: sftp.open(path, mode), ANSWER_SECONDS, doing)
        with _closed(connection, remote, doing):
            remote.seek(start)
            # Not pipelined: paramiko would then lose the error of a write, and a full disk would go
            # unnoticed.
            for chunk in chunks:
                connection.patiently(partial(remote.write, chunk), ANSWER_SECONDS, doing)
                on_progress()
    except (OSError, EOFError, paramiko.SSHException) as error:
        raise connection.write_failure(path, str(error)) from error


@contextlib.contextmanager
def _closed(connection: Link, remote: paramiko.SFTPFile, doing: str) -> Iterator[None]:
    """Close the file at the end, which tells whether its last bytes were written."""
    try:
        yield
    except BaseException:
        # The original error matters more; and paramiko would close it later, in any thread.
        with connection.undisturbed(CLOSE_SECONDS), contextlib.suppress(Exception):
            connection.patiently(remote.close, CLOSE_SECONDS, doing)
        raise
    connection.patiently(remote.close, ANSWER_SECONDS, doing)


def get(connection: Link, path: str, limit: int) -> bytes:
    sftp = connection.sftp()
    if sftp is None:
        return _get_by_command(connection, path, limit)
    doing, content = msg("reading {path}", path=path), bytearray()
    try:
        remote = connection.patiently(lambda: sftp.open(path, "rb"), ANSWER_SECONDS, doing)
        with _closed(connection, remote, doing):
            while piece := connection.patiently(lambda: remote.read(CHUNK), ANSWER_SECONDS, doing):
                content += piece
                if len(content) > limit:
                    raise _too_long(connection, path, limit)
    except (OSError, EOFError, paramiko.SSHException) as error:
        if connection.gone():
            raise connection.lost(doing) from error
        raise _unreadable(connection, path, str(error)) from error
    return bytes(content)


def _get_by_command(connection: Link, path: str, limit: int) -> bytes:
    # base64 because the output of a command is read as text: 4 bytes for 3, and a line break every 76.
    result = connection.run(["base64", path], timeout=TRANSFER_SECONDS, limit=limit * 3 // 2 + 1024)
    if not result.ok:
        raise _unreadable(connection, path, result.last_words())
    try:
        return base64.b64decode(result.stdout)
    except ValueError as error:
        raise _unreadable(connection, path, msg("it did not arrive as base64")) from error


def _too_long(connection: Link, path: str, limit: int) -> MalformedAnswer:
    return MalformedAnswer(
        msg(
            "{path} on the board at {address} is longer than {limit} bytes: look at what "
            "writes it, and remove it.",
            path=path,
            address=connection.address,
            limit=limit,
        )
    )


def _unreadable(connection: Link, path: str, reason: str) -> RemoteFailed:
    return RemoteFailed(
        msg(
            "{path} could not be read on the board at {address} ({reason}): check that it is "
            "still there and that the board's user may read it.",
            path=path,
            address=connection.address,
            reason=reason,
        )
    )


def pack(files: Mapping[str, bytes | Path]) -> bytes:
    """A tar archive of the files, readable by any tar (ustar)."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name, content in files.items():
            data = content if isinstance(content, bytes) else content.read_bytes()
            info = tarfile.TarInfo(name)
            info.size, info.mode = len(data), 0o644
            archive.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


def put_many(connection: Link, files: Mapping[str, bytes | Path], folder: str, python: str) -> None:
    connection.make_folder(folder)
    archive = pack(files)
    for argv in ([python, "-c", UNPACK_PROGRAM, folder], ["tar", "-xf", "-", "-C", folder]):
        result = connection.run(argv, stdin=archive, timeout=TRANSFER_SECONDS)
        if result.ok:
            break
        if not result.not_found:
            raise connection.write_failure(folder, result.last_words())
    else:
        for name, content in files.items():
            data = content if isinstance(content, bytes) else content.read_bytes()
            put_stream(connection, chunks_of(data), f"{folder}/{name}")
    _verify_folder(connection, files, folder)


def _verify_folder(connection: Link, files: Mapping[str, bytes | Path], folder: str) -> None:
    result = connection.run(["sh", "-c", HASH_ALL_SCRIPT, "sh", folder])
    if result.not_found:
        # No sha256sum: SSH has verified the transfer itself, and writing reported no error.
        return
    found = parse_sha256sum(result.stdout)
    for name, content in files.items():
        data = content if isinstance(content, bytes) else content.read_bytes()
        if found.get(name) != hashlib.sha256(data).hexdigest():
            raise RemoteFailed(
                msg(
                    "{name} arrived damaged in {folder} on the board at {address}: its SD card may "
                    "be failing; try again, then replace the card.",
                    name=name,
                    folder=folder,
                    address=connection.address,
                )
            )


def sha256(connection: Link, paths: list[str], python: str) -> dict[str, str]:
    result = connection.run(["sha256sum", *paths], timeout=600)
    if result.not_found:
        result = connection.run([python, "-c", HASH_PROGRAM, *paths], timeout=600)
    return parse_sha256sum(result.stdout)


def parse_sha256sum(text: str) -> dict[str, str]:
    """Parse ``<64 hex> <name>`` lines, as sha256sum prints them, to ``{name: hash}``."""
    found = {}
    for line in text.splitlines():
        digest, _, name = line.partition("  ")
        if len(digest) == 64 and name:
            found[name] = digest
    return found


def parse_df(text: str) -> tuple[int | None, int | None]:
    """Total and free bytes from ``df -k``; a long device name puts the figures on a line of their own."""
    fields = " ".join(text.splitlines()[1:]).split()
    numbers = [int(field) for field in fields if field.isdecimal() and len(field) <= MAX_DIGITS]
    if len(numbers) < 3:
        return None, None
    return numbers[0] * 1024, numbers[2] * 1024


def says_disk_full(text: str) -> bool:
    return any(words in text for words in ("No space left", "Disk quota exceeded", "not enough space"))


def has_no_room(connection: Link, path: str) -> bool:
    folder = path.rpartition("/")[0] or "."
    free = connection.free_bytes(folder)
    return free is not None and free < NO_ROOM_BYTES
