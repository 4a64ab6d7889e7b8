"""The page of the audit, and its export."""

from __future__ import annotations

import csv

from django.http import StreamingHttpResponse
from django.shortcuts import render

from portal.core.paging import page_of
from portal.teams import audit
from portal.teams.access import admin_required
from portal.teams.forms import AuditForm

COLUMNS = (
    "at", "result", "actor_name", "via", "token_name", "verb", "object_type", "object_id", "object_label",
    "detail", "address", "times",
)  # fmt: skip
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
# Objects that have a page: the name of its address.
PAGES = {
    "dataset": "dataset-detail",
    "datasetversion": "dataset-version",
    "run": "run-detail",
    "job": "job-detail",
    "device": "device-detail",
}


def _wanted(request):
    """The filter's form and the entries that it lets through; a wrong field filters nothing."""
    form = AuditForm(request.GET)
    form.is_valid()
    return form, audit.narrow(audit.entries_for(request.team, request.user), form.cleaned_data)


@admin_required
def audit_list(request):
    """Who did what, newest first."""
    form, rows = _wanted(request)
    page = page_of(rows, request)
    context = {
        "form": form,
        "page": page,
        "pages": PAGES,
        "verbs": audit.VERBS,
        "query": request.GET.urlencode(),
        "filtered": any(form.cleaned_data.values()),
    }
    return render(request, "teams/audit.html", context)


class _Echo:
    """What csv.writer needs of a file: it hands back each line."""

    def write(self, line: str) -> str:
        return line


@admin_required
def audit_csv(request):
    """Everything that the filter lets through, as a file for a spreadsheet."""
    _, rows = _wanted(request)
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
