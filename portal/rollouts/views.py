"""Pages of rollouts and of groups."""

from __future__ import annotations

from itertools import groupby
from urllib.parse import urlencode

from django.contrib import messages
from django.db.models import Count
from django.http import Http404
from django.shortcuts import get_object_or_404, redirect, render
from django.template.loader import render_to_string
from django.urls import reverse
from django.views.decorators.http import require_POST

from portal.core import live
from portal.core.live import Live
from portal.core.paging import page_of, part_of
from portal.jobs.models import IllegalTransition
from portal.models import pages
from portal.rollouts import services
from portal.rollouts.forms import GroupForm, RolloutForm
from portal.rollouts.models import BoardState, Group, Rollout
from portal.rollouts.planning import RolloutError
from portal.teams.access import operator_required
from workers.contract.messages import msg

TILES = 40  # boards on one page of a rollout
DECISIONS = {
    "pause": services.pause,
    "resume": services.resume,
    "approve": services.approve,
    "abort": services.abort,
    "undo": services.undo,
}


def _rollout(request, pk: int) -> Rollout:
    rows = Rollout.objects.for_team(request.team).select_related("model", "created_by")
    return get_object_or_404(rows, pk=pk)


def rollout_list(request):
    """Every rollout, newest first."""
    rows = Rollout.objects.for_team(request.team).counted().select_related("model", "created_by")
    page = page_of(rows, request)
    return render(request, "rollouts/list.html", {"page": page})


@operator_required
def rollout_new(request):
    """Plan a rollout and start it."""
    initial = {"model": request.GET.get("model", "")[:18]}
    form = RolloutForm(request.POST or None, initial=initial, team=request.team)
    if form.is_bound and form.is_valid():
        options = form.options
        try:
            rollout = services.create(options.pop("model"), request.user, **options)
        except RolloutError as error:
            form.add_errors(error.fields)
        except IllegalTransition as error:
            form.add_errors({"": str(error)})
        else:
            return redirect(rollout)
    return render(request, "rollouts/new.html", {"form": form}, status=422 if form.errors else 200)


def rollout_detail(request, pk):
    """A rollout, with a tile for each board."""
    rollout = _rollout(request, pk)
    context = {
        "rollout": rollout,
        "page": pages.of([rollout.model])[rollout.model_id],
        "live": _live(request, rollout),
    }
    return render(request, "rollouts/detail.html", context)


def rollout_live(request, pk):
    return live.respond(request, lambda: _live(request, _rollout(request, pk)))


def _live(request, rollout: Rollout) -> Live:
    """The boards by wave; ``?state=`` shows those in one state only."""
    counts = dict(rollout.targets.order_by().values_list("state").annotate(Count("pk")))
    sizes = dict(rollout.targets.order_by().values_list("wave").annotate(Count("pk")))
    state = request.GET.get("state", "")
    targets = rollout.targets.filter(state=state) if state in counts else rollout.targets
    page = reverse("rollout-detail", args=[rollout.pk])
    part = part_of(targets.select_related("device", "deployment__job"), request, TILES, page)
    context = {
        "rollout": rollout,
        "waves": [(wave, sizes[wave], list(rows)) for wave, rows in groupby(part, lambda one: one.wave)],
        "counts": [(each, counts[each]) for each in BoardState if each in counts],
        "state": state if state in counts else "",
        "part": part,
        "decisions": _decisions(rollout),
    }
    body = render_to_string("rollouts/_live.html", context, request=request)
    busy = any(counts.get(each) for each in (BoardState.DEPLOYING, BoardState.UNDOING))
    url = reverse("rollout-live", args=[rollout.pk])
    kept = {name: request.GET[name] for name in ("state", "from") if request.GET.get(name)}
    url += f"?{urlencode(kept)}" if kept else ""
    return Live("rollout-live", url, body, busy or not rollout.is_final)


def _decisions(rollout: Rollout) -> list[str]:
    """What people may decide now, in the order of the buttons."""
    return {
        "running": ["pause", "abort", "undo"],
        "waiting": ["approve", "pause", "abort", "undo"],
        "paused": ["resume", "abort", "undo"],
        "halted": ["resume", "abort", "undo"],
        "undoing": ["abort"],
        "succeeded": ["undo"],
        "aborted": ["undo"],
    }.get(rollout.status, [])


@require_POST
@operator_required
def rollout_decide(request, pk, decision):
    """Pause, resume, approve, abort or undo a rollout."""
    rollout = _rollout(request, pk)
    if decision not in DECISIONS:
        raise Http404
    try:
        DECISIONS[decision](rollout, request.user)
    except IllegalTransition as error:
        messages.error(request, str(error))
    return redirect(rollout)


def group_list(request):
    """The groups of devices."""
    rows = Group.objects.for_team(request.team).prefetch_related("devices")
    return render(request, "rollouts/groups.html", {"rows": rows})


@operator_required
def group_new(request):
    """Make a group, or replace the one with this name."""
    known = Group.objects.for_team(request.team).filter(name=request.GET.get("name", "")[:80]).first()
    initial = (
        {"name": known.name, "time_zone": known.time_zone, "devices": known.devices.all()} if known else {}
    )
    form = GroupForm(request.POST or None, initial=initial, team=request.team)
    if form.is_bound and form.is_valid():
        try:
            services.put_group(request.team, request.user, **form.cleaned_data)
        except RolloutError as error:
            form.add_errors(error.fields)
        else:
            return redirect("group-list")
    return render(
        request, "rollouts/group.html", {"form": form, "group": known}, status=422 if form.errors else 200
    )


@require_POST
@operator_required
def group_remove(request, pk):
    """Remove a group; its devices stay."""
    group = get_object_or_404(Group.objects.for_team(request.team), pk=pk)
    services.remove_group(group, request.user)
    messages.success(request, msg("The group {name} is removed; its devices stay.", name=group.name))
    return redirect("group-list")
