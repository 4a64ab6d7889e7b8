"""Copies stored files to the local disk, and reads parts of stored files."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import uuid
from collections.abc import Iterable, Iterator
from pathlib import Path

from botocore.exceptions import ClientError

from workers.contract import InputError
from workers.contract.messages import msg

BLOCK = 1024 * 1024
AHEAD = 8 * 1024 * 1024  # read from S3 in one request
GAP = 128 * 1024  # a gap between two parts that is cheaper to read than to skip with a second request


def fetch(field_file, target: Path) -> Path:
    """Copy a stored file to ``target``, atomically: it is complete or absent."""
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f".{target.name}.{uuid.uuid4().hex[:8]}")
    try:
        with field_file.open("rb") as source, temporary.open("wb") as copy:
            shutil.copyfileobj(source, copy, BLOCK)
        os.replace(temporary, target)
    finally:
        temporary.unlink(missing_ok=True)
    return target


def fetch_artifact(job, name: str, target: Path) -> Path:
    """Copy a job's artifact to ``target``. Raises InputError if it is gone, or is not what the job made."""
    artifact = job.artifacts.get(name=name)
    try:
        fetch(artifact.file, target)
    except FileNotFoundError as error:
        raise InputError(
            msg(
                "The file {name} of job {job} is no longer in the server's storage: restore it from a "
                "backup, or make it again.",
                name=name,
                job=job.pk,
            )
        ) from error
    with target.open("rb") as copy:
        found = hashlib.file_digest(copy, "sha256").hexdigest()
    if found != artifact.sha256:
        target.unlink()
        raise InputError(
            msg(
                "The file {name} of job {job} in the server's storage is not the one that the job made: "
                "restore it from a backup, or make it again.",
                name=name,
                job=job.pk,
            )
        )
    return target


def local_path(field_file) -> Path | None:
    """The path of a stored file on the local disk; None if it is stored elsewhere (S3)."""
    try:
        return Path(field_file.path)
    except NotImplementedError:
        return None


def read_range(storage, name: str, start: int, size: int) -> bytes:
    """``size`` bytes of a stored file from ``start``, without reading the rest of it.

    Raises FileNotFoundError if the file is gone. Returns fewer bytes at the end of the file.
    """
    return next(read_ranges(storage, name, [(start, size)]))


def read_ranges(storage, name: str, wanted: Iterable[tuple[int, int]]) -> Iterator[bytes]:
    """Yield the parts (start, size) of a stored file, best requested in ascending order.

    From S3, neighbouring parts come in one response of at most ``AHEAD`` bytes, or of one part.
    """
    try:
        path = storage.path(name)
    except NotImplementedError:
        yield from _ranges_of_object(storage.bucket.Object(name), wanted)
        return
    with open(path, "rb") as file:
        for start, size in wanted:
            file.seek(start)
            yield file.read(size)


def _ranges_of_object(obj, wanted: Iterable[tuple[int, int]]) -> Iterator[bytes]:
    for parts in _near_each_other(wanted):
        first = parts[0][0]
        block = _object_range(obj, first, max(start + size for start, size in parts))
        for start, size in parts:
            yield block[start - first : start - first + size]


def _near_each_other(wanted: Iterable[tuple[int, int]]) -> Iterator[list[tuple[int, int]]]:
    parts: list[tuple[int, int]] = []
    end = 0
    for start, size in wanted:
        stop = start + size
        if parts and not (parts[0][0] <= start <= end + GAP and stop - parts[0][0] <= AHEAD):
            yield parts
            parts, end = [], 0
        parts.append((start, size))
        end = max(end, stop)
    if parts:
        yield parts


def _object_range(obj, start: int, end: int) -> bytes:
    if end <= start:
        return b""
    try:
        return obj.get(Range=f"bytes={start}-{end - 1}")["Body"].read()
    except ClientError as error:
        code = error.response["Error"]["Code"]
        if code in ("InvalidRange", "416"):
            return b""  # end of file
        if code in ("NoSuchKey", "404"):
            raise FileNotFoundError(f"{obj.key} is not in the bucket {obj.bucket_name}") from error
        raise


def prune(folder: Path, most_bytes: int) -> None:
    """Remove the least recently used files of a cache folder until it holds at most ``most_bytes``.

    Users of a cached file touch it. An open file stays readable.
    """
    found = []
    for path in folder.iterdir():
        with contextlib.suppress(FileNotFoundError):
            found.append((path.stat().st_mtime, path.stat().st_size, path))
    held = sum(size for _, size, _ in found)
    for _, size, path in sorted(found):
        if held <= most_bytes:
            return
        path.unlink(missing_ok=True)
        held -= size
