"""Devices of sites that no worker serves: nothing is known of them now, whatever was seen before."""

from __future__ import annotations

from collections.abc import Collection

from portal.devices.models import Device
from portal.jobs import sites

QUEUE = "deploy"


def mark(devices: Collection[Device]) -> None:
    """Set ``is_unserved`` of each, as ``devices/_state.html`` shows it."""
    queues = {device.pk: sites.queue_at(QUEUE, device.site) for device in devices}
    unserved = sites.unserved(queues.values())
    for device in devices:
        device.is_unserved = queues[device.pk] in unserved
