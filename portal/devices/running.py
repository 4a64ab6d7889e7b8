"""The current release of a device: recorded from what the board itself reports, at every contact.

A deployment records the release that it is about to make current (``Deployment.intended``) before it
switches. So if its worker is killed between the switch on the board and the rows here, the board's report can
still be matched at the next contact, be it a probe, check, inference or deployment.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.utils import timezone

from portal.core import configs
from portal.core.encryption import WrongKey
from portal.devices import releases
from portal.devices.connection import BoardConnection
from portal.devices.credentials import sign_in
from portal.devices.errors import BoardError, RemoteFailed, WrongPassword
from portal.devices.models import Device
from portal.devices.remote_runner import Profile, run_sent
from workers.contract.messages import msg

# A dangling link is no current release.
READ_CURRENT = 'test -d "$1/current/" && readlink "$1/current"'
READ_SECONDS = 20.0
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


def read_current(connection: BoardConnection, profile: Profile) -> str | None:
    """The id of the board's current release; None for none.

    Needs no Python on the board, so that a check can call it too. Raises RemoteFailed, ConnectionLost.
    """
    result = connection.run(["sh", "-c", READ_CURRENT, "sh", profile.root], timeout=READ_SECONDS)
    if result.not_found:
        arguments = ("release_manager.py", "status", profile.root)
        return run_sent(connection, profile, *arguments, fields=("current",))["current"]
    if not result.ok:
        return None
    name = result.stdout.strip().rpartition("/")[2]
    if not NAME.fullmatch(name):
        raise RemoteFailed(
            msg(
                "The board at {address} names its current release in a way that cannot be read: "
                "deploy a model to it again.",
                address=connection.address,
            )
        )
    return name


def read_before(connection: BoardConnection, profile: Profile, current: str) -> str | None:
    """The newest other release on the board that was once current; None without one.

    Raises as ``run_sent``.
    """
    arguments = ("release_manager.py", "status", profile.root)
    found = run_sent(connection, profile, *arguments, fields=("releases",))["releases"]
    others = [one for one in found if one["id"] != current and one.get("activated")]
    newest = max(others, key=lambda one: one["activated"], default=None)
    return newest["id"] if newest and NAME.fullmatch(str(newest["id"])) else None


@dataclass(frozen=True)
class Report:
    """The release that a board reported as current, and the time before the request."""

    release: str | None
    asked_at: datetime.datetime
    reading: Any = None  # what ``also`` returned


def fetch_report(
    device: Device, also: Callable[[BoardConnection, str], Any] = lambda connection, root: None
) -> Report | None:
    """Sign in and ask, outside a job; None if the board could not be asked. Reads no row.

    ``also`` is called with the connection and the profile's root folder. Raises WrongPassword.
    """
    asked_at = timezone.now()
    try:
        with sign_in(device) as connection:
            profile = configs.boards()[device.profile]
            return Report(read_current(connection, profile), asked_at, also(connection, profile.root))
    except WrongPassword:
        raise
    except (BoardError, WrongKey, configs.Removed):
        return None


def record_kept(device: Device, found: dict) -> None:
    """Record which releases are on the board, as it listed them."""
    row = Device.objects.get(pk=device.pk)
    row.probe = row.probe | {"current": found["current"], "releases": found["releases"]}
    row.save(update_fields=["probe"])
    device.probe = row.probe


@transaction.atomic
def record(device: Device, release: str | None, asked_at: datetime.datetime | None = None) -> None:
    """Store the release that the board reported as current, unless a report newer than ``asked_at``
    exists.
    """
    row = Device.objects.select_for_update().get(pk=device.pk)
    if asked_at is not None and row.reported_at is not None and row.reported_at > asked_at:
        return
    releases.reconcile(row, release)
    row.reported_release, row.reported_at = release or "", timezone.now()
    row.save(update_fields=["reported_release", "reported_at"])
    device.reported_release, device.reported_at = row.reported_release, row.reported_at
