"""The page of the audit."""

from __future__ import annotations

from django.shortcuts import render

from portal.core.paging import page_of
from portal.teams import audit, audit_export
from portal.teams.access import admin_required
from portal.teams.audit_verbs import CALL, WORDS
from portal.teams.forms import AuditForm

# Objects with a page: their URL names.
PAGES = {
    "dataset": "dataset-detail",
    "datasetversion": "dataset-version",
    "run": "run-detail",
    "job": "job-detail",
    "device": "device-detail",
    "deployment": "deployment-evidence",
}


def _wanted(request):
    """The filter form and the matching entries. Invalid fields are ignored.

    Read-only API calls are the bulk of the entries, so they are shown only on request.
    """
    form = AuditForm(request.GET)
    form.is_valid()
    wanted = form.cleaned_data
    rows = audit.narrow(audit.entries_for(request.team, request.user), wanted)
    asked = wanted.get("calls") or wanted.get("verb") in (CALL, CALL.partition(".")[0])
    return form, rows if asked else rows.exclude(verb=CALL)


@admin_required
def audit_list(request):
    """The audit, newest first."""
    form, rows = _wanted(request)
    page = page_of(rows, request)
    context = {
        "form": form,
        "page": page,
        "pages": PAGES,
        "verbs": WORDS,
        "query": request.GET.urlencode(),
        "filtered": any(form.cleaned_data.values()),
    }
    return render(request, "teams/audit.html", context)


@admin_required
def audit_csv(request):
    """The entries that match the filter, as a CSV file."""
    _, rows = _wanted(request)
    return audit_export.as_csv(request, rows)
