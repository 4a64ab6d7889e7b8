"""The application as pages show it."""

from __future__ import annotations

import json
from typing import Any

from django.template.loader import render_to_string

from portal.application.models import Application
from portal.devices.models import Device


def of(device: Device) -> Application | None:
    rows = Application.objects.select_related("job", "device__team", "created_by")
    return rows.filter(device=device).first()


def device_panel(request, device: Device) -> str:
    """A line about the application, for the device's page."""
    context = {"device": device, "application": of(device)}
    return render_to_string("application/_of_device.html", context, request=request)


def sent(application: Application) -> list[dict[str, Any]]:
    """The newest lines that the application sent, newest first: what is seen, and the whole line."""
    rows = []
    for line in reversed(application.state.get("recent", [])):
        try:
            found = json.loads(line)
        except ValueError:  # cut off
            found = {}
        found = found if isinstance(found, dict) else {}
        rows.append({"words": _words(found)[:200], "line": line})
    return rows


def _words(found: dict[str, Any]) -> str:
    """The class, or the classes of the boxes."""
    boxes = found.get("boxes")
    if not isinstance(boxes, list):
        return str(found.get("label", ""))
    return ", ".join(str(box.get("label")) for box in boxes if isinstance(box, dict))
