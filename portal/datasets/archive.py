"""Reading an uploaded archive that may be damaged or hostile.

``open_archive`` looks at the table of contents alone and refuses what no honest tool writes. Names
from the archive are never used as paths on our disk: ``Archive.extract`` writes numbered files. Only
zip is read so far; another kind is one more class with the methods of ``ZipArchive`` and a line in
``open_archive``.
"""

from __future__ import annotations

import dataclasses
import stat
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import BinaryIO

from . import names
from .errors import InputError
from .findings import Findings
from .limits import RATIO_FLOOR, Limits, human_bytes
from .zipcheck import check_zip_directory

CHUNK = 1024 * 1024
_READABLE = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2}
_COMPRESSION_NAMES = {9: "Deflate64", 14: "LZMA", 93: "Zstandard", 95: "XZ", 98: "PPMd", 99: "AES encryption"}
_DAMAGED = (zipfile.BadZipFile, zlib.error, EOFError, struct.error, ValueError, NotImplementedError)

# (offset, first bytes, what it is)
_MAGIC = [
    (0, b"Rar!\x1a\x07", "a RAR archive"),
    (0, b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (0, b"\x1f\x8b", "a gzip file (.tar.gz)"),
    (0, b"BZh", "a bzip2 file (.tar.bz2)"),
    (0, b"\xfd7zXZ\x00", "an xz file (.tar.xz)"),
    (0, b"\x28\xb5\x2f\xfd", "a Zstandard file"),
    (257, b"ustar", "a tar archive"),
    (0x8001, b"CD001", "a disc image (ISO)"),
    (0, b"%PDF", "a PDF document"),
    (0, b"\xd0\xcf\x11\xe0", "an old Office document"),
    (0, b"\xff\xd8\xff", "a single JPEG image"),
    (0, b"\x89PNG", "a single PNG image"),
    (0, b"GIF8", "a single GIF image"),
    (0, b"BM", "a single BMP image"),
    (0, b"MZ", "a Windows program"),
    (0, b"\x7fELF", "a Linux program"),
    (0, b"<!DOCTYPE", "a web page (the download may have failed)"),
    (0, b"<html", "a web page (the download may have failed)"),
    (0, b"SQLite format 3", "a database"),
    (4, b"ftyp", "a video or a HEIC image"),
]


@dataclasses.dataclass(frozen=True, slots=True)
class Entry:
    """One file in an archive: its clean relative path, unpacked bytes, and the archive's own handle."""

    path: str
    size: int
    handle: zipfile.ZipInfo


def open_archive(path: Path, limits: Limits, findings: Findings) -> ZipArchive:
    """Open the uploaded file at ``path``; raise InputError when it cannot be used as an archive."""
    size = path.stat().st_size
    if size == 0:
        raise InputError(
            "The uploaded file is empty: choose the zip file again and wait for the upload to end."
        )
    with path.open("rb") as file:
        head = file.read(0x8001 + 8)
    if head.startswith(b"PK\x05\x06"):
        raise InputError("The zip holds no files: put the images into it and upload it again.")
    if head.startswith(b"PK\x07\x08"):
        raise InputError(
            "This is one part of a zip split over several files: make a single zip and upload that."
        )
    if not head.startswith(b"PK\x03\x04"):
        raise InputError(_not_a_zip(head))
    return ZipArchive(path, size, limits, findings)


def _not_a_zip(head: bytes) -> str:
    for offset, magic, kind in _MAGIC:
        if head[offset : offset + len(magic)].lower() == magic.lower():
            return f"The uploaded file is {kind}, not a zip: pack the images as a zip and upload that."
    if not head.strip(b"\0"):
        return "The uploaded file holds only zeros, not a zip: the copy went wrong, so upload it again."
    return "The uploaded file is not a zip: pack the images as a zip and upload that."


class ZipArchive:
    """A zip whose table of contents has been checked. Use as a context manager.

    ``entries`` are its files and ``folders`` the folders it names, without the litter of operating systems.
    """

    def __init__(self, path: Path, packed_bytes: int, limits: Limits, findings: Findings):
        self._limits = limits
        check_zip_directory(path, packed_bytes, limits.max_files)
        try:
            self._zip = zipfile.ZipFile(path)
        except (*_DAMAGED, RecursionError) as error:
            raise InputError(
                f"The zip's table of contents is damaged ({error}): make the zip again and upload it."
            ) from error
        try:
            self.entries = self._checked_entries(packed_bytes, findings)
        except BaseException:
            self._zip.close()
            raise

    def __enter__(self) -> ZipArchive:
        return self

    def __exit__(self, *_: object) -> None:
        self._zip.close()

    def _checked_entries(self, packed_bytes: int, findings: Findings) -> list[Entry]:
        infos = self._zip.infolist()
        texts = _entry_names(infos, findings)
        for info, name in zip(infos, texts, strict=True):
            _check_entry_kind(info, names.show(name))
        _check_sizes(infos, packed_bytes, self._limits)
        entries = []
        self.folders: list[str] = []
        seen: set[str] = set()
        for info, name in zip(infos, texts, strict=True):
            path = names.clean_path(name)
            if not path or names.is_junk(path):
                continue
            if name.endswith(("/", "\\")):
                self.folders.append(path)
                continue
            if path in seen:
                raise InputError(f"The zip holds two files called {names.show(path)!r}: make the zip again.")
            seen.add(path)
            entries.append(Entry(path, info.file_size, info))
        _check_files_are_not_folders(seen)
        return entries

    def read(self, entry: Entry, max_bytes: int) -> bytes:
        """Return the content of a small file; raise InputError when it is over ``max_bytes`` or damaged."""
        if entry.size > max_bytes:
            raise InputError(
                f"{names.show(entry.path)} is {human_bytes(entry.size)} large, more than such a file may be "
                f"({human_bytes(max_bytes)}): check that it is the right file."
            )
        content = bytearray()
        self._copy(entry, content.extend)
        return bytes(content)

    def extract(self, entries: Iterable[Entry], folder: Path, advance: Callable[[int], None]) -> list[Path]:
        """Write ``entries`` to ``folder`` as 000001, 000002 … and return their paths in the same order.

        ``advance`` is told how many are done. Raises InputError for a damaged entry; what is half
        written then is the caller's to remove with the folder.
        """
        paths = []
        for number, entry in enumerate(entries, start=1):
            path = folder / f"{number:06d}"
            with path.open("wb") as target:
                self._copy(entry, target.write)
            paths.append(path)
            advance(number)
        return paths

    def _copy(self, entry: Entry, write: Callable[[bytes], object]) -> None:
        try:
            with self._zip.open(entry.handle) as source:
                written = _pump(source, write, entry.size)
        except (*_DAMAGED, RuntimeError) as error:
            raise InputError(_damaged(entry)) from error
        if written != entry.size:
            raise InputError(_damaged(entry))


def _pump(source: BinaryIO, write: Callable[[bytes], object], declared: int) -> int:
    written = 0
    while block := source.read(CHUNK):
        written += len(block)
        if written > declared:
            break
        write(block)
    return written


def _damaged(entry: Entry) -> str:
    return f"The zip is damaged at {names.show(entry.path)!r}: make it again (or upload it again) and retry."


def _entry_names(infos: list[zipfile.ZipInfo], findings: Findings) -> list[str]:
    """Return the entries' names as text; those that say nothing of their encoding are decoded together."""
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
    decoded, encoding = names.decode_names(list(unmarked.values()))
    texts.update(zip(unmarked, decoded, strict=True))
    if encoding != "utf-8":
        label = "GBK" if encoding == "gb18030" else "code page 437"
        for text in decoded:
            if not text.isascii():
                message = f"{{count}} file names were not marked as UTF-8 and were read as {label}."
                findings.add("info", "names-decoded", message, names.show(text))
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
        raise InputError("The zip is protected by a password: make it again without one and upload that.")
    if info.compress_type not in _READABLE:
        method = _COMPRESSION_NAMES.get(info.compress_type, f"method {info.compress_type}")
        raise InputError(
            f"{shown!r} in the zip is packed with {method}, which cannot be read here: "
            "make the zip again with ordinary (Deflate) compression."
        )
    kind = stat.S_IFMT(info.external_attr >> 16)
    if kind == stat.S_IFLNK:
        raise InputError(f"The zip holds a symbolic link ({shown}): pack the files themselves instead.")
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        raise InputError(f"The zip holds a special file ({shown}), not an ordinary one: leave it out.")


def _check_sizes(infos: list[zipfile.ZipInfo], packed_bytes: int, limits: Limits) -> None:
    """Refuse bombs by what the table of contents declares; ``_copy`` holds each entry to its word."""
    unpacked = sum(info.file_size for info in infos)
    if unpacked > limits.max_unpacked_bytes:
        raise InputError(
            f"The zip unpacks to {human_bytes(unpacked)}, more than the "
            f"{human_bytes(limits.max_unpacked_bytes)} allowed: split the images over several datasets."
        )
    if unpacked > RATIO_FLOOR and unpacked > limits.max_ratio * packed_bytes:
        raise InputError(
            f"The zip unpacks to {unpacked / packed_bytes:.0f} times its size, as only a zip bomb does: "
            "upload a zip of ordinary images."
        )
    if sum(info.compress_size for info in infos) > packed_bytes:
        raise InputError(
            "The zip's entries overlap, as only a zip bomb's do: make the zip again and upload it."
        )


def _check_files_are_not_folders(paths: set[str]) -> None:
    for path in paths:
        parent = path.rpartition("/")[0]
        while parent:
            if parent in paths:
                raise InputError(
                    f"The zip holds {names.show(parent)!r} as a file and as a folder: make the zip again."
                )
            parent = parent.rpartition("/")[0]
