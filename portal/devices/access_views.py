"""The page about the credentials of a board, and how to change them."""

from __future__ import annotations

from django.contrib import messages
from django.shortcuts import get_object_or_404, redirect, render
from django.template.loader import render_to_string
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from portal.core import live
from portal.core.live import Live
from portal.devices import access
from portal.devices.forms import NewPasswordForm
from portal.devices.models import Device
from portal.jobs.models import IllegalTransition
from portal.teams.access import operator_required
from workers.contract import InputError

SHOWN = 10  # newest changes


def _device(request, pk: int) -> Device:
    return get_object_or_404(Device.objects.for_team(request.team), pk=pk)


@never_cache
@operator_required
def device_access(request, pk):
    """How Slipway signs in to the board, and what can be changed about it."""
    return _page(request, _device(request, pk))


def _page(request, device: Device, form: NewPasswordForm | None = None):
    form = form or NewPasswordForm(initial={"password": access.generate_password()})
    context = {"device": device, "form": form, "live": _live(request, device)}
    return render(request, "devices/access.html", context, status=422 if form.errors else 200)


@operator_required
def device_access_live(request, pk):
    return live.respond(request, lambda: _live(request, _device(request, pk)))


def _live(request, device: Device) -> Live:
    changes = list(device.access_changes.select_related("job", "created_by", "undoes")[:SHOWN])
    busy = access.under_way(device) is not None
    context = {
        "device": device,
        "changes": changes,
        "busy": busy,
        "undoable": None if busy else access.undoable(device),
    }
    body = render_to_string("devices/_access_live.html", context, request=request)
    return Live("access-live", reverse("device-access-live", args=[device.pk]), body, busy)


def _start(request, device: Device, start):
    """Start a change and return to the page; a refusal is shown there."""
    try:
        start()
    except (IllegalTransition, InputError) as error:
        messages.error(request, str(error))
    return redirect("device-access", pk=device.pk)


@require_POST
@operator_required
def device_install_key(request, pk):
    """Replace the password by a key of the device's own."""
    device = _device(request, pk)
    return _start(request, device, lambda: access.install_key(device, request.user))


@never_cache
@require_POST
@operator_required
def device_change_password(request, pk):
    """Change the password on the board."""
    device = _device(request, pk)
    form = NewPasswordForm(request.POST)
    if form.is_valid():
        try:
            access.check_password(device, form.cleaned_data["password"])
        except access.BadPassword as error:
            form.add_errors({"password": str(error)})
    if form.errors:
        return _page(request, device, form)
    password = form.cleaned_data["password"]
    return _start(request, device, lambda: access.change_password(device, request.user, password))


@require_POST
@operator_required
def device_undo_access(request, pk):
    """Go back from the newest change."""
    device = _device(request, pk)
    return _start(request, device, lambda: access.undo(device, request.user))
