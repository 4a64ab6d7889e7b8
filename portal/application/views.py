"""The page of the application on a board."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.template.loader import render_to_string
from django.urls import reverse
from django.views.decorators.http import require_POST

from portal.application import downloads, pages, services
from portal.application.forms import AppForm, initial_of
from portal.application.models import Act
from portal.application.services import ApplicationRefused
from portal.core import configs, live
from portal.core.live import Live
from portal.devices.models import Device
from portal.teams.access import operator_required, refuse_unless
from portal.teams.models import Role
from portal.teams.quotas import QuotaReached

ACTS = {Act.START, Act.STOP, Act.STATUS, Act.REMOVE}


def _device(request, pk: int) -> Device:
    return get_object_or_404(Device.objects.for_team(request.team).select_related("team"), pk=pk)


def detail(request, pk):
    """What the application does, its log and settings; operators install it here."""
    device = _device(request, pk)
    application = pages.of(device)
    initial = initial_of(application.config if application else {})
    form = AppForm(request.POST or None, initial=initial)
    if request.method == "POST":
        refuse_unless(request, Role.OPERATOR)
    if form.is_bound and form.is_valid():
        try:
            services.install(device, request.user, form.config, form.cleaned_data["password"] or None)
            return redirect("app-detail", pk=pk)
        except (ApplicationRefused, QuotaReached) as error:
            form.add_errors({"": str(error)})
    context = {
        "device": device,
        "application": application,
        "form": form,
        "live": _live(request, device),
        "release": device.current_release,
    }
    return render(request, "application/detail.html", context, status=422 if form.errors else 200)


def app_live(request, pk):
    return live.respond(request, lambda: _live(request, _device(request, pk)))


def _live(request, device: Device) -> Live:
    application = pages.of(device)
    context = {
        "device": device,
        "application": application,
        "state": application.state if application else {},
        "sent": pages.sent(application) if application else [],
    }
    body = render_to_string("application/_live.html", context, request=request)
    busy = bool(application and application.is_busy)
    return Live("app-live", reverse("app-live", args=[device.pk]), body, busy)


@require_POST
@operator_required
def act(request, pk, decision):
    """Start, stop or remove the application, or read its state."""
    application = pages.of(_device(request, pk))
    if application is None or decision not in ACTS:
        raise Http404
    try:
        services.act(application, request.user, Act(decision))
    except (ApplicationRefused, QuotaReached) as error:
        messages.error(request, str(error))
    return redirect("app-detail", pk=pk)


def download(request, pk):
    """The application as a zip, with a C++ main for the vendor's SDK: to install by hand."""
    device = _device(request, pk)
    try:
        content = downloads.zipped(device)
    except configs.Removed as error:
        messages.error(request, str(error))
        return redirect("app-detail", pk=pk)
    response = HttpResponse(content, content_type="application/zip")
    response["Content-Disposition"] = 'attachment; filename="slipway-app.zip"'
    return response
