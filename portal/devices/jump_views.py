"""Pages of jump hosts."""

from __future__ import annotations

from django.contrib import messages
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST

from portal.devices import jump_hosts
from portal.devices.errors import BoardError
from portal.devices.forms import JumpHostForm
from portal.devices.models import JumpHost
from portal.jobs.models import IllegalTransition
from portal.teams.access import operator_required
from workers.contract.messages import msg


def jump_host_list(request):
    """The team's jump hosts and the devices behind them."""
    rows = JumpHost.objects.for_team(request.team).prefetch_related("devices")
    return render(request, "devices/jump_hosts.html", {"rows": rows})


@operator_required
def jump_host_new(request):
    """Make a jump host, or replace the one with this name."""
    known = JumpHost.objects.for_team(request.team).filter(name=request.GET.get("name", "")[:80]).first()
    initial = {name: getattr(known, name) for name in ("name", "host", "port", "username")} if known else {}
    form = JumpHostForm(request.POST or None, initial=initial)
    if form.is_bound and form.is_valid():
        fields = {name: form.cleaned_data[name] for name in ("name", "host", "port", "username", "host_key")}
        try:
            row, _made = jump_hosts.put(request.team, request.user, credentials=form.credentials(), **fields)
        except BoardError as error:
            form.add_errors(getattr(error, "fields", None) or {"host": str(error)})
        else:
            messages.success(request, msg("{name} is pinned: {key}.", name=row.name, key=row.host_key))
            return redirect("jump-host-list")
    context = {"form": form, "known": known}
    return render(request, "devices/jump_host.html", context, status=422 if form.errors else 200)


@require_POST
@operator_required
def jump_host_remove(request, pk):
    """Remove a jump host that no device is behind."""
    row = get_object_or_404(JumpHost.objects.for_team(request.team), pk=pk)
    try:
        jump_hosts.remove(row, request.user)
    except IllegalTransition as error:
        messages.error(request, str(error))
    return redirect("jump-host-list")
