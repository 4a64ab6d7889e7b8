"""Zip archives."""

from __future__ import annotations

import bz2
import os
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

from workers.contract.messages import msg

from . import names
from .archive import CHUNK, Archive, Entry, Source, check_unpacked_bytes, decode_unmarked_names
from .errors import InputError
from .findings import Findings
from .limits import Limits
from .zipcheck import check_zip_directory

_READABLE = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2}
_COMPRESSION_NAMES = {
    9: "Deflate64",
    14: "LZMA",
    93: "Zstandard",
    95: "XZ",
    98: "PPMd",
    99: msg("AES encryption"),
}
_DAMAGED = (zipfile.BadZipFile, zlib.error, EOFError, struct.error, ValueError, OSError, NotImplementedError)


_LOCAL_HEADER = struct.Struct("<4s5H3L2H")  # APPNOTE 4.3.7

# Read with an entry: its name and its extra fields are seldom longer.
NAMES_BYTES = 256

Handle = tuple[int, int, int, int]  # offset of the local header, packed bytes, method, checksum


def _handle(info: zipfile.ZipInfo) -> Handle:
    return info.header_offset, info.compress_size, info.compress_type, info.CRC


class ZipSource(Source):
    """Reads entries by the parsed table of contents: zipfile would load it in each process."""

    kind = "zip"

    def stored(self, entry: Entry) -> bytes:
        offset, packed_bytes, method, checksum = entry.handle
        try:
            content = _unpacked(self._packed(offset, packed_bytes), method, entry.size)
        except _DAMAGED as error:
            raise self.damaged(entry) from error
        if len(content) != entry.size or zlib.crc32(content) != checksum:
            raise self.damaged(entry)
        return content

    def blocks(self, entry: Entry) -> Iterator[bytes]:
        offset, packed_bytes, method, checksum = entry.handle
        seen = found = 0
        try:
            start = self._start(offset, os.pread(self.file.fileno(), _LOCAL_HEADER.size, offset))
            unpacked = _unpacked_blocks(self._packed_blocks(start, packed_bytes), method)
            for block in unpacked:
                seen, found = seen + len(block), zlib.crc32(block, found)
                if seen > entry.size:
                    break
                yield block
        except _DAMAGED as error:
            raise self.damaged(entry) from error
        if seen != entry.size or found != checksum:
            raise self.damaged(entry)

    def _start(self, offset: int, found: bytes) -> int:
        """Return where an entry's packed bytes begin, given its beginning in ``found``."""
        header = _LOCAL_HEADER.unpack_from(found)
        if header[0] != b"PK\x03\x04":
            raise zipfile.BadZipFile(msg("an entry does not begin where it should"))
        return offset + _LOCAL_HEADER.size + header[-2] + header[-1]  # its name and its extra fields

    def _packed(self, offset: int, size: int) -> bytes:
        """Return the entry's packed bytes, usually with one read."""
        found = os.pread(self.file.fileno(), _LOCAL_HEADER.size + NAMES_BYTES + size, offset)
        start = self._start(offset, found) - offset
        return found[start : start + size] if start + size <= len(found) else self._rest(offset + start, size)

    def _rest(self, start: int, size: int) -> bytes:
        self.file.seek(start)
        return self.file.read(size)

    def _packed_blocks(self, start: int, size: int) -> Iterator[bytes]:
        for position in range(start, start + size, CHUNK):
            self.file.seek(position)
            yield self.file.read(min(CHUNK, start + size - position))


def _unpacked(packed: bytes, method: int, size: int) -> bytes:
    """Return at most one byte more than ``size``: an entry with more lies about its size."""
    if method == zipfile.ZIP_STORED:
        return packed
    if method == zipfile.ZIP_BZIP2:
        return bz2.BZ2Decompressor().decompress(packed, size + 1)
    return zlib.decompressobj(-zlib.MAX_WBITS).decompress(packed, size + 1)


def _unpacked_blocks(packed: Iterator[bytes], method: int) -> Iterator[bytes]:
    if method == zipfile.ZIP_STORED:
        yield from packed
    elif method == zipfile.ZIP_BZIP2:
        bunzip = bz2.BZ2Decompressor()
        for block in packed:
            while block or not (bunzip.needs_input or bunzip.eof):
                yield bunzip.decompress(block, CHUNK)
                block = b""
    else:
        inflate = zlib.decompressobj(-zlib.MAX_WBITS)
        for block in packed:
            while block:
                yield inflate.decompress(block, CHUNK)
                block = inflate.unconsumed_tail
        yield inflate.flush()


class ZipArchive(Archive):
    kind = "zip"

    def __init__(self, path: Path, limits: Limits, findings: Findings):
        packed_bytes = path.stat().st_size
        check_zip_directory(path, packed_bytes, limits.max_files)
        try:
            with zipfile.ZipFile(path) as archive:
                infos = archive.infolist()
        except (*_DAMAGED, RecursionError) as error:
            raise InputError(
                msg(
                    "The zip's table of contents is damaged ({error}): make the zip again and upload it.",
                    error=error,
                )
            ) from error
        self._check_contents(infos, packed_bytes, limits, findings)
        self._source = ZipSource(path)

    def close(self) -> None:
        self._source.close()

    @property
    def source(self) -> ZipSource:
        return self._source

    def _check_contents(
        self, infos: list[zipfile.ZipInfo], packed_bytes: int, limits: Limits, findings: Findings
    ) -> None:
        texts = _entry_names(infos, findings)
        for info, name in zip(infos, texts, strict=True):
            _check_entry_kind(info, names.show(name))
        # By the table of contents; ZipSource enforces each entry's declared size.
        check_unpacked_bytes("zip", sum(info.file_size for info in infos), packed_bytes, limits)
        if sum(info.compress_size for info in infos) > packed_bytes:
            raise InputError(
                msg("The zip's entries overlap, as only a zip bomb's do: make the zip again and upload it.")
            )
        self._set_contents(
            (name, name.endswith(("/", "\\")), info.file_size, _handle(info))
            for info, name in zip(infos, texts, strict=True)
        )


def _entry_names(infos: list[zipfile.ZipInfo], findings: Findings) -> list[str]:
    """Return the entries' names as text."""
    texts: dict[int, str] = {}
    unmarked: dict[int, bytes] = {}
    for index, info in enumerate(infos):
        if info.flag_bits & 0x800:
            texts[index] = info.orig_filename
            continue
        raw = info.orig_filename.encode("cp437")
        unicode_path = _unicode_path(info.extra, raw)
        if unicode_path is None:
            unmarked[index] = raw
        else:
            texts[index] = unicode_path
    decoded = decode_unmarked_names(list(unmarked.values()), findings)
    texts.update(zip(unmarked, decoded, strict=True))
    return [texts[index] for index in range(len(infos))]


def _unicode_path(extra: bytes, raw_name: bytes) -> str | None:
    """Return the name in the Info-ZIP Unicode Path field (APPNOTE 4.6.9) if it belongs to ``raw_name``."""
    while len(extra) >= 4:
        tag, length = struct.unpack_from("<HH", extra)
        field = extra[4 : 4 + length]
        if tag == 0x7075 and len(field) > 5 and field[0] == 1:
            if struct.unpack_from("<I", field, 1)[0] == zlib.crc32(raw_name):
                return field[5:].decode("utf-8", "replace")
        extra = extra[4 + length :]
    return None


def _check_entry_kind(info: zipfile.ZipInfo, shown: str) -> None:
    if info.flag_bits & 0x2041 or info.compress_type == 99:
        raise InputError(
            msg("The zip is protected by a password: make it again without one and upload that.")
        )
    if info.compress_type not in _READABLE:
        method = _COMPRESSION_NAMES.get(info.compress_type, f"method {info.compress_type}")
        raise InputError(
            msg(
                "{shown} in the zip is packed with {method}, which cannot be read here: make the "
                "zip again with ordinary (Deflate) compression.",
                shown=repr(shown),
                method=method,
            )
        )
    kind = stat.S_IFMT(info.external_attr >> 16)
    if kind == stat.S_IFLNK:
        raise InputError(
            msg("The zip holds a symbolic link ({shown}): pack the files themselves instead.", shown=shown)
        )
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        raise InputError(
            msg("The zip holds a special file ({shown}), not an ordinary one: leave it out.", shown=shown)
        )
