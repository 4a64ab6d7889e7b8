"""Opens an uploaded file as the kind of archive that its first bytes indicate."""

from __future__ import annotations

from pathlib import Path

from workers.contract.messages import msg

from .archive import Archive
from .errors import InputError
from .findings import Findings
from .limits import Limits
from .tararchive import TarArchive, tar_compression
from .ziparchive import ZipArchive

# (offset, first bytes, kind)
_MAGIC = [
    (0, b"Rar!\x1a\x07", msg("a RAR archive")),
    (0, b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (0, b"BZh", "a bzip2 file (.tar.bz2)"),
    (0x8001, b"CD001", msg("a disc image (ISO)")),
    (0, b"%PDF", msg("a PDF document")),
    (0, b"\xd0\xcf\x11\xe0", msg("an old Office document")),
    (0, b"\xff\xd8\xff", msg("a single JPEG image")),
    (0, b"\x89PNG", msg("a single PNG image")),
    (0, b"GIF8", msg("a single GIF image")),
    (0, b"BM", msg("a single BMP image")),
    (0, b"MZ", msg("a Windows program")),
    (0, b"\x7fELF", msg("a Linux program")),
    (0, b"<!DOCTYPE", msg("a web page (the download may have failed)")),
    (0, b"<html", msg("a web page (the download may have failed)")),
    (0, b"SQLite format 3", "a database"),
    (4, b"ftyp", msg("a video or a HEIC image")),
]


def open_archive(path: Path, scratch: Path, limits: Limits, findings: Findings) -> Archive:
    """Open the uploaded file at ``path``; raise InputError if it cannot be used as an archive.

    A compressed tar is unpacked as a whole into the folder ``scratch`` until the archive is closed.
    """
    if path.stat().st_size == 0:
        raise InputError(
            msg("The uploaded file is empty: choose the archive again and wait for the upload to end.")
        )
    with path.open("rb") as file:
        head = file.read(0x8001 + 8)
    if head.startswith(b"PK\x05\x06"):
        raise InputError(msg("The zip holds no files: put the images into it and upload it again."))
    if head.startswith(b"PK\x07\x08"):
        raise InputError(
            msg("This is one part of a zip split over several files: make a single zip and upload that.")
        )
    if head.startswith(b"PK\x03\x04"):
        return ZipArchive(path, limits, findings)
    compression = tar_compression(head)
    if compression is not None:
        return TarArchive(path, compression, scratch, limits, findings)
    raise InputError(_not_an_archive(head))


def _not_an_archive(head: bytes) -> str:
    advice = msg("pack the images as a zip or a tar and upload that.")
    for offset, magic, kind in _MAGIC:
        if head[offset : offset + len(magic)].lower() == magic.lower():
            return msg("The uploaded file is {kind}, not a zip or a tar: {advice}", kind=kind, advice=advice)
    if not head.strip(b"\0"):
        return msg(
            "The uploaded file holds only zeros, not a zip or a tar: the copy went wrong, so upload it again."
        )
    return msg("The uploaded file is not a zip or a tar: {advice}", advice=advice)
