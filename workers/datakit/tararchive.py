"""Tar archives, plain or compressed with gzip, xz or Zstandard.

A tar has its names spread over its whole length, and a compressed one can be read only from the front. So a
compressed tar is unpacked once into the scratch folder, with its limits checked block by block, and then
every tar is walked by its headers.
"""

from __future__ import annotations

import gzip
import lzma
import tarfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import zstandard

from workers.contract.messages import msg

from . import names
from .archive import CHUNK, Archive, Entry, Source, check_unpacked_bytes, decode_unmarked_names
from .errors import InputError
from .findings import Findings
from .limits import Limits
from .xzstream import XzStream

BLOCK = 512
# The standard library reads a header (a long name, a pax record) in one piece, however long it claims to be.
MAX_HEADER_BYTES = 64 * 1024
MAX_PAX_FIELDS = 64
MAX_ZSTD_WINDOW = 128 * 1024 * 1024  # what `zstd --long` writes and `zstd -d` accepts by default
_DAMAGED = (tarfile.TarError, EOFError, ValueError, OverflowError, RecursionError)
_STREAM_DAMAGED = (EOFError, zlib.error, gzip.BadGzipFile, zstandard.ZstdError, lzma.LZMAError)


def tar_compression(head: bytes) -> str | None:
    """Return "", "gzip", "xz" or "Zstandard" if a file that begins with ``head`` may be a tar, else None."""
    if head.startswith(b"\x1f\x8b"):
        return "gzip"
    if head.startswith(b"\x28\xb5\x2f\xfd"):
        return "Zstandard"
    if head.startswith(b"\xfd7zXZ\x00"):
        return "xz"
    return "" if _is_tar_header(head[:BLOCK]) else None


def _is_tar_header(block: bytes) -> bool:
    """Whether the block's checksum is that of a tar header: those from before 1988 have no other mark."""
    try:
        tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
    except (tarfile.HeaderError, ValueError):
        return block[257:262] == b"ustar"
    return True


class TarSource(Source):
    kind = "tar"

    def stored(self, entry: Entry) -> bytes:
        self.file.seek(entry.handle)
        content = self.file.read(entry.size)
        if len(content) != entry.size:
            raise self.damaged(entry)
        return content

    def blocks(self, entry: Entry) -> Iterator[bytes]:
        for start in range(0, entry.size, CHUNK):
            self.file.seek(entry.handle + start)
            wanted = min(CHUNK, entry.size - start)
            block = self.file.read(wanted)
            if len(block) != wanted:
                raise self.damaged(entry)
            yield block


class TarArchive(Archive):
    kind = "tar"

    def __init__(self, path: Path, compression: str, scratch: Path, limits: Limits, findings: Findings):
        self._unpacked = None
        if compression:
            path = self._unpacked = _unpack(path, compression, scratch / "upload.tar", limits)
        self._source = TarSource(path)
        try:
            self._set_contents(self._listed(limits, findings))
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        self._source.close()
        if self._unpacked is not None:
            self._unpacked.unlink(missing_ok=True)

    @property
    def source(self) -> TarSource:
        return self._source

    def _listed(self, limits: Limits, findings: Findings) -> list[tuple[str, bool, int, int]]:
        raw_names, facts, unpacked = [], [], 0
        try:
            for member in _members(self._source.file):
                if len(facts) == limits.max_files:
                    raise InputError(
                        msg(
                            "The tar holds more than the {max_files} files allowed: split them over several "
                            "datasets.",
                            max_files=f"{limits.max_files:,}",
                        )
                    )
                _check_kind(member)
                unpacked += member.size
                raw_names.append(member.name.encode("utf-8", "surrogateescape"))
                facts.append((member.isdir(), member.size, member.offset_data))
        except _DAMAGED as error:
            raise InputError(
                msg(
                    "The tar is damaged or was cut short ({error}): make it again (or upload it "
                    "again) and retry.",
                    error=error,
                )
            ) from error
        check_unpacked_bytes("tar", unpacked, self._source.file.seek(0, 2), limits)
        if not facts:
            raise InputError(msg("The tar holds no files: put the images into it and upload it again."))
        texts = _names(raw_names, findings)
        return [(name, *fact) for name, fact in zip(texts, facts, strict=True)]


def _names(raw_names: list[bytes], findings: Findings) -> list[str]:
    try:
        return [raw.decode("utf-8") for raw in raw_names]
    except UnicodeDecodeError:
        return decode_unmarked_names(raw_names, findings)


def _unpack(path: Path, compression: str, target: Path, limits: Limits) -> Path:
    """Decompress ``path`` to ``target``, stopping at once if it exceeds the limit."""
    packed, written = path.stat().st_size, 0
    # Headers and padding count too, so that a tar of nothing but headers ends somewhere.
    allowed = limits.max_unpacked_bytes + 4 * BLOCK * limits.max_files
    try:
        with path.open("rb") as file, target.open("wb") as copy:
            source = _decompressed(file, compression)
            while block := source.read(CHUNK):
                written += len(block)
                copy.write(block)
                if written > allowed:
                    check_unpacked_bytes("tar", written, packed, limits)
                check_unpacked_bytes("tar", min(written, limits.max_unpacked_bytes), packed, limits)
        if written == 0:  # the Zstandard library's error for a file truncated in its first block
            raise EOFError("there is nothing in it")
    except BaseException as error:
        target.unlink(missing_ok=True)
        if isinstance(error, _STREAM_DAMAGED):
            raise InputError(
                msg(
                    "The {compression} file is damaged or was cut short ({error}): make it again (or "
                    "upload it again) and retry.",
                    compression=compression,
                    error=error,
                )
            ) from error
        raise
    with target.open("rb") as file:
        if _is_tar_header(file.read(BLOCK)):
            return target
    target.unlink()
    raise InputError(
        msg(
            "The {compression} file holds no tar archive: pack the images as a zip or a tar and upload that.",
            compression=compression,
        )
    )


def _decompressed(file: BinaryIO, compression: str) -> BinaryIO | XzStream:
    if compression == "gzip":
        return gzip.GzipFile(fileobj=file)
    if compression == "xz":
        return XzStream(file)
    decompressor = zstandard.ZstdDecompressor(max_window_size=MAX_ZSTD_WINDOW)
    return decompressor.stream_reader(file, read_across_frames=True)


class _HeaderReads:
    """The file as the standard library may see it: it reads headers here, and never a whole gigabyte."""

    def __init__(self, file: BinaryIO):
        self.seek, self.tell, self._file = file.seek, file.tell, file

    def read(self, size: int) -> bytes:
        if not 0 <= size <= MAX_HEADER_BYTES:
            raise tarfile.ReadError(msg("a header is too long"))
        return self._file.read(size)


def _members(file: BinaryIO) -> Iterator[tarfile.TarInfo]:
    """Yield the members; raise TarError for a tar that is damaged or endless.

    The standard library stops silently at a damaged header, follows negative sizes backwards (CVE-2025-8194),
    keeps every member, and copies global pax fields to each: hence the precautions.
    """
    with tarfile.open(fileobj=_HeaderReads(file), mode="r:", encoding="utf-8") as tar:
        position = 0
        while (member := tar.next()) is not None:
            if tar.offset <= position or member.size < 0:
                raise tarfile.ReadError(msg("a size makes no sense"))
            if len(member.pax_headers) > MAX_PAX_FIELDS:
                raise tarfile.ReadError(msg("a header has too many fields"))
            position = tar.offset
            tar.members.clear()
            yield member
        file.seek(tar.offset)
        end = file.read(BLOCK)
        if len(end) < BLOCK:
            raise tarfile.ReadError(msg("its end is missing"))
        if end.strip(b"\0"):
            raise tarfile.ReadError(msg("a header is broken"))


def _check_kind(member: tarfile.TarInfo) -> None:
    shown = names.show(member.name)
    if member.issym() or member.islnk():
        raise InputError(
            msg(
                "The tar holds a link ({shown}): pack the files themselves instead (tar "
                "--dereference --hard-dereference).",
                shown=shown,
            )
        )
    if not (member.isreg() or member.isdir()) or member.issparse():
        raise InputError(
            msg("The tar holds a special file ({shown}), not an ordinary one: leave it out.", shown=shown)
        )
