"""The text files of an upload."""

from __future__ import annotations

import codecs
import json
from typing import Any

from workers.contract.messages import msg
from workers.datakit import names
from workers.datakit.archive import Archive, Entry
from workers.datakit.errors import InputError

from .listing import MAX_LIST_BYTES

_UTF_16_MARKS = (b"\xff\xfe", b"\xfe\xff")


def read_text(archive: Archive, entry: Entry, max_bytes: int = MAX_LIST_BYTES) -> str:
    """Return a file's text: UTF-8 with or without BOM, UTF-16 with BOM, else GBK."""
    return decode_text(archive.read(entry, max_bytes), entry)


def decode_text(content: bytes, entry: Entry) -> str:
    encodings = ("utf-16",) if content[:2] in _UTF_16_MARKS else ("utf-8-sig", "gb18030")
    for encoding in encodings:
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if encoding == "utf-8-sig" and _is_gbk_by_chance_utf_8(text, content):
            continue
        return text
    raise _not_text(entry)


def _is_gbk_by_chance_utf_8(text: str, content: bytes) -> bool:
    """Whether text that decodes as UTF-8 is Chinese in GBK: 图片 has the bytes of two letters there.

    Only two-byte letters can collide; common Chinese characters (GB 2312) never have those of accents.
    """
    if text.isascii() or max(text) >= "\u0800":
        return False
    try:
        content.decode("gb2312")
    except UnicodeDecodeError:
        return False
    return True


def _not_text(entry: Entry) -> InputError:
    return InputError(msg("{path} is not readable text: save it as UTF-8.", path=names.show(entry.path)))


def encoding_of(archive: Archive, entry: Entry, max_bytes: int) -> str:
    """Return the encoding that ``read_text`` would detect, for a file too large for memory."""
    for encoding in ("utf-8-sig", "gb18030"):
        decoder = codecs.getincrementaldecoder(encoding)()
        try:
            for number, block in enumerate(archive.blocks(entry, max_bytes)):
                if number == 0 and block[:2] in _UTF_16_MARKS:
                    return "utf-16"
                decoder.decode(block)
            decoder.decode(b"", True)
            return encoding
        except UnicodeDecodeError:
            continue
    raise _not_text(entry)


def parse_json(content: bytes, entry: Entry) -> Any:
    """Return the file's JSON; raise InputError if it is invalid, or has unreasonable nesting or numbers."""
    text = decode_text(content, entry)
    del content  # half the time of a large file
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise not_json(entry, error) from error


def not_json(entry: Entry, error: Exception) -> InputError:
    reason = msg("it is nested too deep") if isinstance(error, RecursionError) else str(error)[:100]
    return InputError(
        msg(
            "{path} is not valid JSON ({reason}): export the annotations again.",
            path=names.show(entry.path),
            reason=reason,
        )
    )


def stem(path: str) -> str:
    """Return the file's name without folders and suffix."""
    name = path.rpartition("/")[2]
    return name.rpartition(".")[0] or name


def folder_of(path: str) -> str:
    return path.rpartition("/")[0]


def by_suffix(archive: Archive, *suffixes: str) -> list[Entry]:
    return [entry for entry in archive.entries if entry.path.lower().endswith(suffixes)]
