"""The audit as a CSV file."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from datetime import datetime
from itertools import islice

from django.db.models.functions import Coalesce
from django.http import StreamingHttpResponse

from portal.teams import audit

FIELDS = (
    "at", "result", "actor_name", "via", "token_name", "verb", "object_type", "object_id", "object_label",
    "detail", "address",
)  # fmt: skip
BLOCK = 500  # entries
COLUMNS = (*FIELDS, "times")
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def as_csv(request, rows) -> StreamingHttpResponse:
    """The rows as CSV, a block of lines at a time; the download is audited."""
    headers = {"Content-Disposition": 'attachment; filename="audit.csv"'}
    response = StreamingHttpResponse(_blocks(rows), content_type="text/csv; charset=utf-8", headers=headers)
    audit.record("audit.export", request.team)
    return response


def _blocks(rows) -> Iterator[str]:
    times = Coalesce("repeats__times", 1)  # see AuditEntry.times
    found = rows.select_related(None).order_by("-pk").values_list(*FIELDS, times)
    entries = found.iterator(chunk_size=BLOCK)
    yield "\ufeff" + _lines([COLUMNS])  # the mark tells spreadsheets that it is UTF-8
    while block := list(islice(entries, BLOCK)):
        yield _lines(map(cell, entry) for entry in block)


def _lines(rows) -> str:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue()


def cell(value) -> str:
    """Escape a cell that a spreadsheet would take for a formula with a leading quote."""
    if not value:
        return "" if value is None else str(value)
    text = value.isoformat() if isinstance(value, datetime) else str(value)
    return f"'{text}" if text.lstrip(" ").startswith(FORMULA_STARTS) else text
