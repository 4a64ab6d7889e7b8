"""Sources of imports: a folder on the server, or a prefix in S3, that the administrator allowed.

Names and sizes come first, contents later and one at a time: nothing is held in memory. Whatever someone puts
there meanwhile, no file outside the allowed location is ever read.
"""

from __future__ import annotations

import contextlib
import io
import os
import stat
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from django.conf import settings

from workers.contract.messages import msg
from workers.datakit.errors import InputError

# Files and folders of file managers and version control; they hold no images.
_LEFT_OUT = {"__MACOSX", "Thumbs.db", "desktop.ini"}
# From S3, objects up to this size are read by this many threads, this many ahead of the one being written.
THREADS, AHEAD, SMALL = 8, 16, 1024 * 1024
_S3_ERROR_LENGTH = 200


@dataclass(frozen=True, slots=True)
class Entry:
    """A file below the chosen path: its relative name with slashes, and its size."""

    name: str
    size: int


def belongs(name: str) -> bool:
    """Whether a file with this relative name is imported: hidden ones are not."""
    return not any(part.startswith(".") or part in _LEFT_OUT for part in name.split("/"))


class FolderSource:
    """A folder on the workers' machine. ``below`` is a checked relative path, "" for all of it."""

    def __init__(self, allowed: Path, below: str):
        self.below = below
        try:
            self.root = allowed.resolve(strict=True)
            self.place = (self.root / below).resolve(strict=True)
        except (OSError, RuntimeError):
            raise InputError(
                msg(
                    "There is no {path} on the server: check how it is written.",
                    path=below or msg("such folder"),
                )
            ) from None
        self._inside = f"{self.root}/".replace("//", "/")
        if not self.place.is_relative_to(self.root):
            raise InputError(
                msg(
                    "{path} is a link that leads out of what may be imported: put the files there.",
                    path=below,
                )
            )

    @property
    def is_file(self) -> bool:
        return self.place.is_file()

    def entries(self) -> Iterator[Entry]:
        """All files, ordered by name. Raises InputError for an unreadable folder."""
        for name, path in self._files():
            found = os.lstat(path)
            if stat.S_ISREG(found.st_mode):
                yield Entry(name, found.st_size)
                continue
            with self._opened(path) as file:  # a link that may be followed, or nothing to import
                yield Entry(name, os.fstat(file.fileno()).st_size)

    def contents(self) -> Iterator[tuple[Entry, BinaryIO]]:
        """All files in their current state, each with its content, open until the next is requested."""
        for name, path in self._files():
            with self._opened(path) as file:
                yield Entry(name, os.fstat(file.fileno()).st_size), file

    def _files(self) -> Iterator[tuple[str, str]]:
        """Relative names and paths of the files."""
        if self.is_file:
            yield self.place.name, str(self.place)
            return
        for folder, folders, files in os.walk(self.place, onerror=_unreadable):
            inside = Path(folder).relative_to(self.place)
            folders[:] = sorted(name for name in folders if belongs(name))
            for name in folders:
                if os.path.islink(os.path.join(folder, name)):
                    raise InputError(
                        msg(
                            "{path} is a link to a folder: put the folder there.",
                            path=(inside / name).as_posix(),
                        )
                    )
            prefix = "" if inside == Path() else f"{inside.as_posix()}/"
            for name in sorted(filter(belongs, files)):
                yield prefix + name, os.path.join(folder, name)

    @contextlib.contextmanager
    def _opened(self, path: str) -> Iterator[BinaryIO]:
        """Open a file, then check where it really is: a link changed in between leads nowhere else."""
        shown = os.path.basename(path)
        try:
            handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError as error:
            raise InputError(
                msg(
                    "{path} cannot be read by the portal ({reason}): ask the administrator to fix this.",
                    path=shown,
                    reason=error.strerror,
                )
            ) from error
        with os.fdopen(handle, "rb") as file:
            if not os.readlink(f"/proc/self/fd/{handle}").startswith(self._inside):
                raise InputError(
                    msg(
                        "{path} is a link that leads out of what may be imported: put the file there.",
                        path=shown,
                    )
                )
            if not stat.S_ISREG(os.fstat(handle).st_mode):
                raise InputError(
                    msg("{path} is a special file, not an ordinary one: leave it out.", path=shown)
                )
            yield file


def _unreadable(error: OSError) -> None:
    raise InputError(
        msg(
            "{name} cannot be read by the portal ({reason}): ask the administrator to fix this.",
            name=Path(error.filename).name,
            reason=error.strerror,
        )
    ) from error


class BucketSource:
    """Everything below a prefix of an S3 bucket. ``allowed`` is ``s3://bucket/prefix``."""

    def __init__(self, allowed: str, below: str):
        self.bucket, _, prefix = allowed.removeprefix("s3://").partition("/")
        prefix = prefix.strip("/")
        self.key = "/".join(part for part in (prefix, below) if part)
        self.client = _s3_client()
        self.is_file = bool(below) and self._is_object()

    def entries(self) -> Iterator[Entry]:
        """All objects, ordered by key. Raises InputError if the bucket cannot be read."""
        prefix = self.key if self.is_file or not self.key else f"{self.key}/"
        with _s3_refusals(self.bucket):
            pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=prefix)
            for row in (row for page in pages for row in page.get("Contents", [])):
                if self.is_file and row["Key"] != self.key:
                    continue
                name = row["Key"].rpartition("/")[2] if self.is_file else row["Key"][len(prefix) :]
                if name and not name.endswith("/") and belongs(name):
                    yield Entry(name, row["Size"])

    def contents(self) -> Iterator[tuple[Entry, BinaryIO]]:
        """All objects with their contents, in order. Small ones are requested several at a time, because
        each takes a round trip.
        """
        with ThreadPoolExecutor(THREADS) as pool:
            ahead: deque[tuple[Entry, Future | None]] = deque()
            for entry in self.entries():
                ahead.append((entry, pool.submit(self._read, entry) if entry.size <= SMALL else None))
                if len(ahead) > AHEAD:
                    yield from self._opened(*ahead.popleft())
            while ahead:
                yield from self._opened(*ahead.popleft())

    def _opened(self, entry: Entry, read: Future | None) -> Iterator[tuple[Entry, BinaryIO]]:
        if read is not None:
            yield entry, io.BytesIO(read.result())
            return
        with self.open(entry) as body:
            yield entry, body

    def _read(self, entry: Entry) -> bytes:
        with self.open(entry) as body:
            return body.read(entry.size + 1)  # one more byte, to detect growth

    @contextlib.contextmanager
    def open(self, entry: Entry) -> Iterator[BinaryIO]:
        key = self.key if self.is_file or not self.key else f"{self.key}/{entry.name}"
        key = key or entry.name
        with _s3_refusals(self.bucket):
            body = self.client.get_object(Bucket=self.bucket, Key=key)["Body"]
            with contextlib.closing(body):
                yield body

    def _is_object(self) -> bool:
        from botocore.exceptions import ClientError

        with _s3_refusals(self.bucket):
            try:
                self.client.head_object(Bucket=self.bucket, Key=self.key)
            except ClientError as error:
                if error.response["ResponseMetadata"]["HTTPStatusCode"] != 404:
                    raise
                return False
        return True


def _s3_client():
    # Imported here, because it takes a fifth of a second to load and few servers import from S3.
    import boto3
    from botocore.config import Config

    endpoint = settings.IMPORT_S3_ENDPOINT or None
    style = {"addressing_style": "path" if endpoint else "auto"}
    patience = {"connect_timeout": 10, "read_timeout": 60, "retries": {"mode": "standard", "max_attempts": 5}}
    return boto3.client("s3", endpoint_url=endpoint, config=Config(s3=style, **patience))


@contextlib.contextmanager
def _s3_refusals(bucket: str) -> Iterator[None]:
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except (BotoCoreError, ClientError) as error:
        raise InputError(
            msg(
                "The bucket {bucket} cannot be read ({error}): ask the administrator to check "
                "IMPORT_S3 and its keys, then retry.",
                bucket=bucket,
                error=str(error)[:_S3_ERROR_LENGTH],
            )
        ) from error
