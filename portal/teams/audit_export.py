"""The audit as a CSV file."""

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
    """The file that csv.writer needs: it returns each line."""

    def write(self, line: str) -> str:
        return line


def as_csv(request, rows) -> StreamingHttpResponse:
    """The rows as CSV, line by line; the download is audited."""
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
    """Escape a cell that a spreadsheet would take for a formula with a leading quote."""
    if value is None:
        return ""
    text = value.isoformat() if hasattr(value, "isoformat") else str(value)
    return f"'{text}" if text.lstrip(" ").startswith(FORMULA_STARTS) else text
