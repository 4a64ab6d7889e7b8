"""Pages of searches: the list, a new one, and the page of one."""

from __future__ import annotations

from django.shortcuts import get_object_or_404, redirect, render

from portal.core import configs, live
from portal.core.numbers import whole_number
from portal.core.paging import page_of
from portal.devices.models import Device
from portal.fitting import pages, search
from portal.fitting.forms import FitForm
from portal.fitting.models import FitSearch
from portal.runs import suggestions
from portal.runs.plan import channel_order
from portal.teams.access import member_required
from portal.teams.quotas import QuotaReached


def _search(request, pk: int) -> FitSearch:
    rows = FitSearch.objects.for_team(request.team)
    rows = rows.select_related("dataset_version__dataset", "job", "created_by", "team", "winner")
    return get_object_or_404(rows, pk=pk)


def fit_list(request):
    """Every search, newest first."""
    rows = FitSearch.objects.for_team(request.team)
    rows = rows.select_related("dataset_version__dataset", "job", "created_by", "winner")
    return render(request, "fitting/list.html", {"page": page_of(rows, request)})


@member_required
def fit_new(request):
    """State the limits and the budget."""
    form = FitForm(request.POST or None, team=request.team, initial=_initial(request))
    if form.is_bound and form.is_valid() and (goal := form.goal()):
        try:
            return redirect("fit-detail", pk=search.start(goal, request.team, request.user).pk)
        except QuotaReached as error:
            form.add_errors({"": str(error)})
    return render(request, "fitting/new.html", {"form": form}, status=422 if form.errors else 200)


def _initial(request) -> dict:
    devices = Device.objects.for_team(request.team)
    device = suggestions.only_device(devices)
    chip = suggestions.usual_chip(devices)
    order = configs.boards()[device.profile].channel_order if device else channel_order(chip)
    version = whole_number(request.GET.get("version", ""))
    return {"target": f"{chip} {order}", **({"dataset_version": version} if version else {})}


def fit_detail(request, pk):
    """The candidates, how they stand, and the winner."""
    found = _search(request, pk)
    context = {"search": found, "live": pages.search_live(found, request)}
    return render(request, "fitting/detail.html", context)


def fit_live(request, pk):
    return live.respond(request, lambda: pages.search_live(_search(request, pk), request))
