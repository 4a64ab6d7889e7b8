"""Checks the end of a zip before its table of contents is loaded into memory."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import BinaryIO

from workers.contract.messages import msg

from .errors import InputError

_END = b"PK\x05\x06"
_END_BYTES = 22
_MAX_COMMENT = 65535
_ENTRY = b"PK\x01\x02"
_BYTES_PER_NAME = 1024
_BLOCK = 1024 * 1024


def check_zip_directory(path: Path, packed_bytes: int, max_files: int) -> None:
    """Raise InputError if the zip at ``path`` has no end record or more than ``max_files`` entries.

    Python's zipfile loads the whole table of contents whatever the end record says, so the entries are
    counted by their signature, in blocks. Format: PKWARE APPNOTE 4.3.12 to 4.3.16.
    """
    with path.open("rb") as file:
        declared, size, end = _end_record(file, packed_bytes)
        if declared > max_files:
            raise InputError(_too_many(declared, max_files))
        if size > end or size > max_files * _BYTES_PER_NAME:
            raise InputError(msg("The zip's table of contents is damaged: make the zip again and upload it."))
        found = _count_signatures(file, end - size, size)
    if found > max_files:
        raise InputError(_too_many(found, max_files))


def _too_many(count: int, max_files: int) -> str:
    return msg(
        "The zip holds {count} files, more than the {max_files} allowed: split them over several datasets.",
        count=f"{count:,}",
        max_files=f"{max_files:,}",
    )


def _end_record(file: BinaryIO, packed_bytes: int) -> tuple[int, int, int]:
    """Return the number of entries, the size of the table of contents, and where it ends."""
    tail_start = max(0, packed_bytes - _END_BYTES - _MAX_COMMENT)
    file.seek(tail_start)
    tail = file.read()
    position = tail.rfind(_END)
    if position < 0 or len(tail) - position < _END_BYTES:
        raise InputError(
            msg(
                "The zip is incomplete, its end is missing: the upload or a copy was cut short, so try again."
            )
        )
    disk, _, _, count, size = struct.unpack_from("<HHHHI", tail, position + 4)
    end = tail_start + position
    locator = tail[position - 20 : position] if position >= 20 else b""
    if locator.startswith(b"PK\x06\x07"):
        (offset,) = struct.unpack_from("<Q", locator, 8)
        file.seek(min(offset, packed_bytes))
        record = file.read(56)
        if len(record) == 56 and record.startswith(b"PK\x06\x06"):
            count, size = struct.unpack_from("<QQ", record, 32)
            end = offset
    elif disk not in (0, 0xFFFF):
        raise InputError(
            msg("This is one part of a zip split over several files: make a single zip and upload that.")
        )
    return count, size, end


def _count_signatures(file: BinaryIO, start: int, size: int) -> int:
    file.seek(start)
    count = 0
    carried = b""
    while size > 0:
        block = file.read(min(_BLOCK, size))
        if not block:
            break
        size -= len(block)
        count += (carried + block).count(_ENTRY)
        carried = (carried + block)[-len(_ENTRY) + 1 :]
    return count
