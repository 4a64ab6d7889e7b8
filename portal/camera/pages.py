"""What the pages of other apps show of cameras."""

from __future__ import annotations

from django.db.models import Q
from django.template.loader import render_to_string

from portal.devices.models import Device
from portal.jobs.models import FINAL, Job, Status


def device_panel(request, device: Device) -> str:
    """Why the camera failed when it was last used, for the device's page; nothing if it worked."""
    used = Job.objects.filter(Q(capture__device=device) | Q(live_view__device=device), status__in=FINAL)
    last = used.order_by("-pk").first()
    if last is None or last.status != Status.FAILED or last.message == device.problem:
        return ""
    return render_to_string("camera/_of_device.html", {"job": last}, request=request)
