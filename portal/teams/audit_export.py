"""The audit as a file for a spreadsheet."""

from __future__ import annotations

import csv

from django.http import StreamingHttpResponse

from portal.teams import audit

COLUMNS = (
    "at", "result", "actor_name", "via", "token_name", "verb", "object_type", "object_id", "object_label",
    "detail", "address", "times",
)  # fmt: skip
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


class _Echo:
    """What csv.writer needs of a file: it hands back each line."""

    def write(self, line: str) -> str:
        return line


def answer(request, rows) -> StreamingHttpResponse:
    """The rows as CSV, line by line; that they were taken along stands in the audit."""
    writer = csv.writer(_Echo())

    def lines():
        yield "\ufeff"  # so that spreadsheets read it as UTF-8
        yield writer.writerow(COLUMNS)
        for entry in rows.order_by("-pk").iterator(chunk_size=1000):
            yield writer.writerow([cell(getattr(entry, name)) for name in COLUMNS])

    headers = {"Content-Disposition": 'attachment; filename="audit.csv"'}
    response = StreamingHttpResponse(lines(), content_type="text/csv; charset=utf-8", headers=headers)
    audit.record("audit.export", request.team)
    return response


def cell(value) -> str:
    """A cell that no spreadsheet takes for a formula: one that begins like one gets a quote in front."""
    if value is None:
        return ""
    text = value.isoformat() if hasattr(value, "isoformat") else str(value)
    return f"'{text}" if text.lstrip(" ").startswith(FORMULA_STARTS) else text
