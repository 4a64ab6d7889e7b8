"""The text files of an upload."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from portal.datasets import names
from portal.datasets.archive import Archive, Entry
from portal.datasets.errors import InputError

from .listing import MAX_LIST_BYTES


def read_text(archive: Archive, entry: Entry, max_bytes: int = MAX_LIST_BYTES) -> str:
    """Return a file's text: UTF-8 with or without its mark, UTF-16 with its mark, else GBK."""
    return decode_text(archive.read(entry, max_bytes), entry)


def decode_text(content: bytes, entry: Entry) -> str:
    encodings = ("utf-16",) if content[:2] in (b"\xff\xfe", b"\xfe\xff") else ("utf-8-sig", "gb18030")
    for encoding in encodings:
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise InputError(f"{names.show(entry.path)} is not readable text: save it as UTF-8.")


def parse_json(content: bytes, entry: Entry, object_hook: Callable[[dict], Any] | None = None) -> Any:
    """Return the file's JSON; raise InputError when it is none, or nested or numbered beyond sense."""
    text = decode_text(content, entry)
    del content  # half of what a large file takes
    try:
        return json.loads(text, object_hook=object_hook)
    except (ValueError, RecursionError) as error:
        reason = "it is nested too deep" if isinstance(error, RecursionError) else str(error)[:100]
        raise InputError(
            f"{names.show(entry.path)} is not valid JSON ({reason}): export the annotations again."
        ) from error


def stem(path: str) -> str:
    """Return the file's name without folders and suffix."""
    name = path.rpartition("/")[2]
    return name.rpartition(".")[0] or name


def folder_of(path: str) -> str:
    return path.rpartition("/")[0]


def by_suffix(archive: Archive, *suffixes: str) -> list[Entry]:
    return [entry for entry in archive.entries if entry.path.lower().endswith(suffixes)]
