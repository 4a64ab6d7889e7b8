"""The shared history: who ran what, when, for how long, and with what result."""

from __future__ import annotations

from django.http import QueryDict
from django.shortcuts import redirect, render

from portal.core.paging import Page
from portal.history import entries
from portal.history.filters import JobEntries, RunEntries
from portal.history.forms import HistoryForm
from portal.jobs.models import Job
from portal.runs import provenance
from portal.runs.models import Run


def history(request):
    """The team's runs and jobs that match the form, newest first."""
    if any(not value for value in request.GET.values()):
        return redirect(_address(request, _without_empty(request.GET)))  # a short URL to keep and share
    form = HistoryForm(request.GET, team=request.team)
    wanted = form.wanted()
    page = _page(request, wanted)
    context = {"form": form, "page": page, "filtered": bool(wanted), **_of_hash(request, wanted.get("q", ""))}
    return render(request, "history/list.html", context, status=422 if form.errors else 200)


def _of_hash(request, text: str) -> dict:
    """The files with this hash, if the search text is a hash."""
    text = text.strip()
    if not provenance.is_hash(text):
        return {}
    return {"matches": provenance.find(request.team, text), "whole_hash": len(text) == provenance.HASH_LENGTH}


def _without_empty(query: QueryDict) -> QueryDict:
    """The query parameters without empty ones."""
    given = query.copy()
    for name in [name for name, value in query.items() if not value]:
        del given[name]
    return given


def _address(request, query: QueryDict) -> str:
    return f"{request.path}?{query.urlencode()}" if query else request.path


def _page(request, wanted: dict[str, str]) -> Page:
    query = QueryDict(mutable=True)
    query.update(wanted)
    runs = RunEntries(query, Run.objects.for_team(request.team).live(), request=request).qs
    jobs = JobEntries(query, Job.objects.for_team(request.team), request=request).qs
    before = entries.Place.read(request.GET.get("before", ""))
    rows, after = entries.page(runs, jobs, before)
    query = request.GET.copy()
    query.pop("before", None)
    first_url, next_url = _address(request, query), ""
    if after:
        query["before"] = str(after)
        next_url = _address(request, query)
    return Page(rows, first_url, next_url, bool(before))
