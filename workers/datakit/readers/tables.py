"""Rows of a table in a text file: CSV with any delimiter, or JSON lines; read piece by piece."""

from __future__ import annotations

import codecs
import csv
import itertools
import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

from workers.contract.messages import msg
from workers.datakit import names
from workers.datakit.archive import Entry
from workers.datakit.errors import InputError

from .texts import not_json
from .upload import Upload

# Five million rows of a path and a label.
MAX_TABLE_BYTES = 256 * 1024 * 1024
MAX_LINE = 4 * 1024 * 1024  # characters
JSON_LINES = ".jsonl"
_BLANK = re.compile(r"\s")


def rows_of(upload: Upload, file: Entry, max_bytes: int = MAX_TABLE_BYTES) -> Iterator[list[str]]:
    """Yield the non-empty rows, with fields stripped.

    For JSON lines, the first row has the keys. Raises InputError for anything but text or a table.
    """
    encoding = upload.encoding(file, max_bytes)
    lines = _lines(upload.blocks(file, max_bytes), encoding, file)
    if file.path.lower().endswith(JSON_LINES):
        yield from _rows_of_records(_records(lines, file))
        return
    first = next(lines, "")
    try:
        for row in csv.reader(itertools.chain([first], lines), delimiter=delimiter_of(first)):
            text = "".join(row)
            if _BLANK.search(text):  # few rows have one, and stripping wide ones is slow
                text, row = text.strip(), [field.strip() for field in row]
            if text:
                yield row
    except csv.Error as error:
        raise _no_table(file, error) from error


def records_of(upload: Upload, file: Entry, max_bytes: int = MAX_TABLE_BYTES) -> Iterator[dict[str, Any]]:
    """Yield the objects of JSON lines. Raises InputError for a line that is not JSON."""
    encoding = upload.encoding(file, max_bytes)
    return _records(_lines(upload.blocks(file, max_bytes), encoding, file), file)


def _records(lines: Iterable[str], file: Entry) -> Iterator[dict[str, Any]]:
    for line in lines:
        try:
            record = json.loads(line) if line.strip() else None
        except (ValueError, RecursionError) as error:
            raise not_json(file, error) from error
        if isinstance(record, dict):
            yield record


def _rows_of_records(records: Iterable[dict[str, Any]]) -> Iterator[list[str]]:
    """Yield the keys of the first record, then each record's values for them."""
    titles: list[str] | None = None
    for record in records:
        if titles is None:
            titles = list(record)
            yield titles
        yield [_field(record.get(title)) for title in titles]


def _field(value: Any) -> str:
    return str(value).strip() if isinstance(value, str | int | float) else ""


def _no_table(file: Entry, reason: Exception | str) -> InputError:
    shown = reason if isinstance(reason, str) else str(reason)[:100]
    return InputError(
        msg(
            "{file} is no table that can be read ({reason}): save it as CSV again.",
            file=names.show(file.path),
            reason=shown,
        )
    )


def _lines(blocks: Iterable[bytes], encoding: str, file: Entry) -> Iterator[str]:
    decode = codecs.getincrementaldecoder(encoding)().decode
    rest = ""
    for block in blocks:
        *whole, rest = (rest + decode(block)).split("\n")
        yield from (line + "\n" for line in whole)
        if len(rest) > MAX_LINE:
            raise _no_table(file, msg("a line has more than {most} characters", most=MAX_LINE))
    rest += decode(b"", True)
    if rest:
        yield rest


def delimiter_of(line: str) -> str:
    return max("\t;,", key=line.count)
