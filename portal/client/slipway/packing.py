"""The source of an upload: a file, or a folder as a tar that is never written to disk.

A tar has no checksum over its contents, so each of its bytes follows from the files' names and sizes and the
content at that place. It can be read from any offset: an interrupted upload resumes without a copy of the
folder on disk.
"""

from __future__ import annotations

import bisect
import hashlib
import json
import os
import tarfile
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from slipway.errors import Refused

BLOCK = 1024 * 1024
TAR_BLOCK = 512
# Files and folders of file managers and version control; they hold no images.
LEFT_OUT = {"__MACOSX", "Thumbs.db", "desktop.ini"}


@dataclass(frozen=True, slots=True)
class Member:
    """A file of the folder: its name in the tar, and its state when it was listed."""

    name: str
    path: str
    size: int
    changed_ns: int


class Source:
    """Bytes to send. ``size`` is known from the start; ``fingerprint`` tells whether the source has
    changed.
    """

    filename: str
    size: int
    fingerprint: str

    def blocks(self, offset: int, end: int) -> Iterator[bytes]:
        """The bytes from ``offset`` up to ``end``, in blocks. Raises Refused if a file has changed."""
        raise NotImplementedError


class FileSource(Source):
    """One file, sent as it is."""

    def __init__(self, path: Path):
        self.member = _member(path, path.name)
        self.filename, self.size = path.name, self.member.size
        self.fingerprint = _fingerprint([self.member])

    def blocks(self, offset: int, end: int) -> Iterator[bytes]:
        yield from _blocks(self.member, offset, end)


class FolderSource(Source):
    """A folder as a tar."""

    def __init__(self, folder: Path):
        self.members = list(_members(folder))
        if not self.members:
            raise Refused(f"There are no files in {folder}: choose the folder that holds the images.")
        self.filename = f"{folder.resolve().name or 'folder'}.tar"
        self.fingerprint = _fingerprint(self.members)
        self._starts, position = array("Q"), 0
        for member in self.members:
            self._starts.append(position)
            position += len(_header(member)) + member.size + _padding(member.size)
        self._content_end = position
        self.size = position + 2 * TAR_BLOCK  # two empty blocks end a tar

    def blocks(self, offset: int, end: int) -> Iterator[bytes]:
        end = min(end, self.size)
        index = max(0, bisect.bisect_right(self._starts, offset) - 1)
        while offset < end and offset < self._content_end:
            for block in self._member_blocks(index, offset, end):
                offset += len(block)
                yield block
            index += 1
        if offset < end:
            yield bytes(end - offset)

    def _member_blocks(self, index: int, offset: int, end: int) -> Iterator[bytes]:
        """A member's header, content and padding, as far as they lie between ``offset`` and ``end``."""
        member, start = self.members[index], self._starts[index]
        header = _header(member)
        first, last = offset - start, end - start
        if first < len(header):
            yield header[first:last]
        content = len(header)
        if last > content and first < content + member.size:
            yield from _blocks(member, max(0, first - content), min(member.size, last - content))
        padded = content + member.size
        if last > padded:
            yield bytes(max(0, min(last, padded + _padding(member.size)) - max(first, padded)))


def source_of(path: Path) -> Source:
    """The source for this path."""
    return FolderSource(path) if path.is_dir() else FileSource(path)


def _members(folder: Path) -> Iterator[Member]:
    """The folder's files, sorted by name, without hidden ones and those of file managers."""
    for place, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if _belongs(name))
        for name in sorted(filter(_belongs, files)):
            path = Path(place, name)
            if path.is_file():  # a link to a file counts as the file
                yield _member(path, path.relative_to(folder).as_posix())


def _belongs(name: str) -> bool:
    return not name.startswith(".") and name not in LEFT_OUT


def _member(path: Path, name: str) -> Member:
    try:
        found = path.stat()
    except OSError as error:
        raise Refused(f"{path} cannot be read ({error.strerror}).") from error
    return Member(name, str(path), found.st_size, found.st_mtime_ns)


def _header(member: Member) -> bytes:
    info = tarfile.TarInfo(member.name)
    info.size, info.mtime, info.mode = member.size, member.changed_ns // 10**9, 0o644
    return info.tobuf(tarfile.GNU_FORMAT, "utf-8", "surrogateescape")


def _padding(size: int) -> int:
    return -size % TAR_BLOCK


def _blocks(member: Member, offset: int, end: int) -> Iterator[bytes]:
    try:
        with open(member.path, "rb") as file:
            found = os.fstat(file.fileno())
            if (found.st_size, found.st_mtime_ns) != (member.size, member.changed_ns):
                raise Refused(f"{member.path} was changed while it was being sent: begin again.")
            file.seek(offset)
            while offset < end:
                block = file.read(min(BLOCK, end - offset))
                if not block:
                    raise Refused(f"{member.path} became shorter while it was being sent: begin again.")
                offset += len(block)
                yield block
    except OSError as error:
        raise Refused(f"{member.path} cannot be read ({error.strerror}).") from error


def _fingerprint(members: list[Member]) -> str:
    """Equal for the same files in the same state, so that an upload is found again."""
    digest = hashlib.sha256()
    for member in members:
        digest.update(json.dumps([member.name, member.size, member.changed_ns]).encode())
    return digest.hexdigest()
