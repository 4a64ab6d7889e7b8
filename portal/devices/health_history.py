"""The history of a device's health: a sample for each check, kept for a while, and what stands out in it."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.utils import timezone

from portal.devices import releases
from portal.devices.connection import BoardConnection
from portal.devices.errors import BoardError
from portal.devices.health import HEAT, MEMORY, parse_celsius, parse_meminfo, read_files
from portal.devices.models import Device, HealthSample
from portal.devices.transfer import MAX_DIGITS, parse_df
from portal.notify import services as notify

LOAD, UPTIME = "/proc/loadavg", "/proc/uptime"
NUMBER = re.compile(r"(\d{1,9})(\.\d{1,4})?")
READ_SECONDS = 20.0
POINTS = 300  # of a chart at most
# The root folder does not exist before the first deployment; its parent does.
DISK_SCRIPT = 'date +%s; df -k "$1" 2>/dev/null || df -k "${1%/*}"'


@dataclass(frozen=True)
class Reading:
    """What a board says of itself; None means unknown."""

    memory_free: int | None = None  # bytes
    disk_free: int | None = None  # bytes
    celsius: float | None = None
    load: float | None = None  # processes that ran or waited, averaged over a minute
    uptime: int | None = None  # seconds
    clock_offset: int | None = None  # seconds that its clock is ahead


def read(connection: BoardConnection, root: str) -> Reading:
    """Two commands without Python. What cannot be read is unknown; raises nothing."""
    try:
        files = read_files(connection, (MEMORY, HEAT, LOAD, UPTIME))
        asked_at = time.time()
        result = connection.run(["sh", "-c", DISK_SCRIPT, "sh", root], timeout=READ_SECONDS)
    except BoardError:
        return Reading()
    clock, _, disk = result.stdout.partition("\n")
    known = clock.isdecimal() and len(clock) <= MAX_DIGITS
    uptime = _number(files[UPTIME])
    return Reading(
        memory_free=parse_meminfo(files[MEMORY])[1],
        disk_free=parse_df(disk)[1],
        celsius=parse_celsius(files[HEAT]),
        load=_number(files[LOAD]),
        uptime=None if uptime is None else round(uptime),
        clock_offset=int(clock) - round(asked_at) if known else None,
    )


def _number(text: str) -> float | None:
    found = NUMBER.match(text)
    return float(found.group()) if found else None


def record(device: Device, reachable: bool, reading: Reading | None = None) -> HealthSample:
    """Store a sample, and notify people of what is new in it."""
    device = Device.objects.get(pk=device.pk)
    before = device.health.filter(reachable=True).order_by("-pk").first()
    sample = HealthSample.objects.create(
        device=device,
        reachable=reachable,
        release=device.reported_release if reachable else "",
        foreign=reachable and _is_foreign(device),
        **vars(reading or Reading()),
    )
    if reachable and sample.foreign and not (before and before.foreign and before.release == sample.release):
        notify.emit("device.foreign", device.team, device)
    if reachable and sample.clock_is_off and not (before and before.clock_is_off):
        notify.emit("device.clock", device.team, device)
    return sample


def _is_foreign(device: Device) -> bool:
    """Whether it runs a release that the portal did not put there."""
    name = device.reported_release
    return bool(name) and name not in releases.known(device, {name})


def sweep() -> None:
    """Remove samples older than DEVICE_HEALTH_DAYS."""
    horizon = timezone.now() - timedelta(days=settings.DEVICE_HEALTH_DAYS)
    HealthSample.objects.filter(at__lt=horizon).delete()


@dataclass(frozen=True)
class History:
    """A device's samples, oldest first, thinned to ``POINTS``; ``checks`` counts all of them."""

    samples: list[HealthSample]
    checks: int
    reachable: int

    @property
    def share(self) -> float | None:
        return self.reachable / self.checks if self.checks else None

    @property
    def newest(self) -> HealthSample | None:
        return next((one for one in reversed(self.samples) if one.reachable), None)

    def series(self) -> dict[str, Any]:
        """For the charts: times, and each figure's values in the unit that is displayed."""
        return {
            "times": [one.at.isoformat() for one in self.samples],
            "memory": [_mebibytes(one.memory_free) for one in self.samples],
            "disk": [_mebibytes(one.disk_free) for one in self.samples],
            "celsius": [one.celsius for one in self.samples],
            "load": [one.load for one in self.samples],
        }


def _mebibytes(size: int | None) -> float | None:
    return None if size is None else round(size / 2**20, 1)


def history(device: Device, days: int = 7) -> History:
    """Of the last days; four queries at most, whatever the number of samples."""
    rows = device.health.filter(at__gte=timezone.now() - timedelta(days=days)).order_by("pk")
    ids = list(rows.values_list("pk", flat=True))
    step = max(1, -(-len(ids) // POINTS))
    wanted = ids[::-step][::-1] if step > 1 else ids
    samples = list(HealthSample.objects.filter(pk__in=wanted).order_by("pk"))
    return History(samples, len(ids), rows.filter(reachable=True).count())
