"""Checks whether devices are still online, and notifies people of changes.

A check reads the host key, and signs in to read the current release and the health, unless the board refused
the sign-in the last time. It is not a job, and changes nothing on the board. Devices in use by a job are
skipped: the job reports its own outcome.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Q
from django.utils import timezone

from portal.core.encryption import WrongKey
from portal.devices import health_history, running
from portal.devices.credentials import way_to
from portal.devices.errors import BoardError, Unreachable, WrongPassword
from portal.devices.hostkeys import HostKey
from portal.devices.jumping import fetch_host_key
from portal.devices.models import Device
from portal.jobs.models import ACTIVE
from portal.notify import services as notify

AT_ONCE = 8
AGAIN_SECONDS = (0, 15)  # pause before each attempt
BATCH = 100
ROUND_SECONDS = 45.0  # the clock starts a round every minute


def free():
    """Devices that no job uses."""
    return Device.objects.filter(Q(busy_with=None) | ~Q(busy_with__status__in=ACTIVE))


def due():
    """Devices of all sites that were online before and were not contacted for the configured time."""
    horizon = timezone.now() - timedelta(minutes=settings.DEVICE_CHECK_MINUTES)
    rows = free().exclude(seen_at=None).exclude(probe_job__status__in=ACTIVE)
    waited = Q(checked_at=None) | Q(checked_at__lt=horizon)
    return rows.filter(waited).filter(Q(seen_at__lt=horizon) | ~Q(lost_at=None))


def sites_due() -> list[str]:
    """The sites that have devices to check."""
    return list(due().exclude(site="").order_by().values_list("site", flat=True).distinct())


def watch(site: str = "", on_full: Callable[[], None] = lambda: None) -> None:
    """Before: devices at the site, or at none, last checked long ago. After: checked; people are notified of
    changes.

    Any number of workers may do this at once. ``on_full`` is called while there may be work for another.
    """
    if not settings.DEVICE_CHECK_MINUTES:
        return
    until = time.monotonic() + ROUND_SECONDS
    with ThreadPoolExecutor(AT_ONCE) as pool:
        while time.monotonic() < until and (devices := take(site)):
            if len(devices) == BATCH:
                on_full()
            for device, (problem, report) in zip(devices, pool.map(_check_and_report, devices), strict=True):
                _note(device, problem, report)


@transaction.atomic
def take(site: str = "") -> list[Device]:
    """The devices that have waited longest. Marked at once, so that no other worker checks them too."""
    rows = due().filter(site=site).select_related("jump").order_by("checked_at")
    skip = connection.features.has_select_for_update_skip_locked
    devices = list(rows.select_for_update(skip_locked=skip, of=("self",) if skip else ())[:BATCH])
    Device.objects.filter(pk__in=[device.pk for device in devices]).update(checked_at=timezone.now())
    return devices


def _check_and_report(device: Device) -> tuple[Exception | None, running.Report | None]:
    problem = _find_problem(device)
    # A rejected password is not retried every few minutes: boards lock out clients that do so.
    if problem is not None or device.refused:
        return problem, None
    try:
        return None, running.fetch_report(device, health_history.read)
    except WrongPassword as error:
        return error, None


def _find_problem(device: Device) -> Exception | None:
    """What went wrong; None if the device showed the pinned host key.

    A device that does not respond is tried again: a rebooting board is not offline.
    """
    for wait in AGAIN_SECONDS if device.lost_at is None else (0,):
        time.sleep(wait)
        try:
            found = fetch_host_key(device.host, device.port, settings.SSH_TIMEOUT_SECONDS, **way_to(device))
            break
        except (BoardError, WrongKey) as error:
            problem = error
    else:
        return problem
    return None if HostKey.parse(device.host_key).matches(found) else ValueError("another host key")


def _note(device: Device, problem: Exception | None, report: running.Report | None = None) -> None:
    # A job may have started to use the device meanwhile; its outcome counts then.
    mine = free().filter(pk=device.pk)
    now = timezone.now()
    if not mine.update(checked_at=now):
        return
    if isinstance(problem, WrongPassword):
        mine.update(refused=True)
    if problem is None or isinstance(problem, WrongPassword):
        mine.update(seen_at=now)
        mark_online(device)
        if report is not None:  # whatever failed the last time, it can be used again
            mine.update(problem="")
            running.record(device, report.release, report.asked_at)
        if problem is not None:
            mine.update(problem=str(problem))
        health_history.record(device, True, report.reading if report else None)
    elif isinstance(problem, Unreachable):
        did_not_answer(device, str(problem))


@transaction.atomic
def mark_online(device: Device) -> None:
    """The device is online. Notify only if it was online before, and offline since.

    ``device`` is as it was before this contact.
    """
    lost = Device.objects.filter(pk=device.pk).exclude(lost_at=None)
    if lost.update(lost_at=None, problem="") and device.seen_at is not None:
        notify.emit("device.back", device.team, Device.objects.get(pk=device.pk))


@transaction.atomic
def did_not_answer(device: Device, problem: str) -> None:
    """The device is offline. Notify only if it was online."""
    online = Device.objects.filter(pk=device.pk, lost_at=None)
    was_seen = online.exclude(seen_at=None).exists()
    if online.update(lost_at=timezone.now(), problem=problem) and was_seen:
        notify.emit("device.lost", device.team, Device.objects.get(pk=device.pk))
