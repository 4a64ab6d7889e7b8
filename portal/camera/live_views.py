"""The live page of a device: what its camera sees, with the predictions of its release."""

from __future__ import annotations

from django.http import Http404, JsonResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from portal.camera import live
from portal.camera.models import LiveView
from portal.core.messages import shown
from portal.core.relay import RelayResponse
from portal.devices import releases
from portal.devices.models import Device
from portal.jobs import sites
from portal.jobs.models import Job, Status
from portal.teams.access import operator_required
from portal.teams.quotas import QuotaReached


def _device(request, pk) -> Device:
    return get_object_or_404(Device.objects.for_team(request.team), pk=pk)


def device_live(request, pk):
    """Everybody of the team may watch; operators start it."""
    device = _device(request, pk)
    release = device.current_release or ""
    context = {"device": device, "known": releases.known(device, {release}).get(release), "release": release}
    return render(request, "camera/live.html", context)


@require_GET
def stream(request, pk):
    """The frames, for as long as somebody reads them."""
    return RelayResponse(live.channel_of(_device(request, pk).pk))


@require_POST
@operator_required
def stream_start(request, pk):
    """Let the device's camera be read, unless it is already."""
    device = _device(request, pk)
    try:
        view = live.start(device, request.user)
    except QuotaReached as refusal:
        return JsonResponse({"active": False, "sentence": shown(refusal)})
    except Device.DoesNotExist:
        raise Http404 from None
    return JsonResponse(_state(device, view))


@require_GET
def stream_state(request, pk):
    """Why there are no frames: it waits, ended, or failed."""
    device = _device(request, pk)
    return JsonResponse(_state(device, device.live_views.select_related("job").first()))


def _state(device: Device, view: LiveView | None) -> dict:
    if view is None:
        return {"active": False, "failed": False, "sentence": _("Nobody watches this camera now.")}
    job = view.job
    found = {"active": job.is_active, "failed": job.status == Status.FAILED}
    return found | {"job": reverse("job-detail", args=[job.pk]), "sentence": _sentence(device, job)}


def _sentence(device: Device, job: Job) -> str:
    if job.status == Status.QUEUED:
        other = Device.objects.select_related("busy_with").get(pk=device.pk).busy_with
        if other is not None and other.is_active and other.pk != job.pk:
            return _("Waiting for job %(job)d, which uses the device.") % {"job": other.pk}
        return shown(sites.problem_of(job.queue)) or _("Waiting for a worker.")
    if job.status == Status.FAILED:
        return shown(job.message)
    if job.is_active:
        return shown(job.phase)
    return _("The camera is off.")
