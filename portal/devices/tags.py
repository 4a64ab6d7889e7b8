"""Tags of devices."""

from __future__ import annotations

from django.db import transaction

from portal.devices.models import Device, DeviceTag


@transaction.atomic
def set_tags(device: Device, names: list[str]) -> None:
    """Set a device's tags; ``names`` are clean. A known tag that differs only in case is reused."""
    known = {tag.name.casefold(): tag for tag in DeviceTag.objects.for_team(device.team_id)}
    chosen = [
        known.get(name.casefold()) or DeviceTag.objects.get_or_create(team=device.team, name=name)[0]
        for name in names
    ]
    device.tags.set(chosen)
    DeviceTag.objects.for_team(device.team_id).filter(devices=None).delete()
