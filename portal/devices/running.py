"""What runs on a device: set from what the board itself reports, by everything that talks to it.

A deployment writes down the release it is about to make current (``Deployment.intended``) before it switches.
So a worker that is killed between the switch on the board and the rows here leaves a board whose report is
understood at the next contact, whatever that is: probe, check, inference or deployment.
"""

from __future__ import annotations

import datetime
import re
from dataclasses import dataclass

from django.db import transaction
from django.db.models import OuterRef, Q, Subquery
from django.utils import timezone

from portal.core import configs
from portal.core.encryption import WrongKey
from portal.deployments.models import Deployment
from portal.devices.connection import BoardConnection
from portal.devices.credentials import sign_in
from portal.devices.errors import BoardError, RemoteFailed
from portal.devices.models import Device
from portal.devices.remote_runner import Profile, run_sent
from portal.teams import audit

# A link that leads nowhere is no current release.
READ_CURRENT = 'test -d "$1/current/" && readlink "$1/current"'
ASK_SECONDS = 20.0
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


def ask(connection: BoardConnection, profile: Profile) -> str | None:
    """The id of the release that is current on the board now; None for none.

    Needs no Python on the board, so that a check may ask too. Raises RemoteFailed, ConnectionLost.
    """
    result = connection.run(["sh", "-c", READ_CURRENT, "sh", profile["root"]], timeout=ASK_SECONDS)
    if result.not_found:
        return run_sent(connection, profile, "keeper.py", "status", profile["root"])["current"]
    if not result.ok:
        return None
    name = result.stdout.strip().rpartition("/")[2]
    if not NAME.fullmatch(name):
        raise RemoteFailed(
            f"The board at {connection.address} names its current release in a way that cannot be read: "
            "deploy a model to it again."
        )
    return name


@dataclass(frozen=True)
class Report:
    """What a board said is current, and the time before it was asked."""

    release: str | None
    asked_at: datetime.datetime


def look(device: Device) -> Report | None:
    """Sign in and ask, outside of a job; None when the board could not be asked. Reads no row."""
    asked_at = timezone.now()
    try:
        with sign_in(device) as connection:
            return Report(ask(connection, configs.boards()[device.profile]), asked_at)
    except (BoardError, WrongKey):
        return None


@transaction.atomic
def record(device: Device, release: str | None, asked_at: datetime.datetime | None = None) -> None:
    """Write down what the board said is current; what was said after ``asked_at`` is newer and stays."""
    row = Device.objects.select_for_update().get(pk=device.pk)
    if asked_at is not None and row.reported_at is not None and row.reported_at > asked_at:
        return
    _settle(row, release)
    row.reported_release, row.reported_at = release or "", timezone.now()
    row.save(update_fields=["reported_release", "reported_at"])
    device.reported_release, device.reported_at = row.reported_release, row.reported_at


def _settle(device: Device, release: str | None) -> None:
    """Let the attempt that made the reported release be the newest that became current."""
    newest = _newest(device)
    if not release or (newest is not None and newest.release == release):
        return
    mine = device.deployments.filter(Q(release=release) | Q(intended__release=release))
    deployment = mine.select_related("run__team", "device", "job__created_by").order_by("-pk").first()
    if deployment is None:
        return
    if not deployment.release:
        deployment.release = release
        deployment.placed = {key: value for key, value in deployment.intended.items() if key != "release"}
    deployment.activated_at = timezone.now()
    deployment.save(update_fields=["release", "placed", "activated_at"])
    actor = deployment.job.created_by if deployment.job else None
    label = f"{release} on {device}"
    audit.record("deployment.activate", deployment, team=deployment.run.team, actor=actor, label=label)


def _newest(device: Device) -> Deployment | None:
    activated = device.deployments.exclude(activated_at=None)
    return activated.order_by("-activated_at", "-pk").first()


def deployment_of(device: Device, release: str | None) -> Deployment | None:
    """The deployment that put a release on the board, by this row or another one of the team for the same
    address; None for a release that the portal does not know."""
    if not release:
        return None
    there = Q(device=device) | Q(
        device__team=device.team_id, device__host__iexact=device.host, device__port=device.port
    )
    rows = Deployment.objects.filter(there, release=release).select_related("run")
    return rows.order_by("-activated_at", "-pk").first()


def current_deployment(device: Device) -> Deployment | None:
    """The deployment that runs on the device; None when nothing does, or nothing that the portal knows."""
    return current_deployments([device]).get(device.pk)


def current_deployments(devices) -> dict[int, Deployment]:
    """The current deployments of many devices, with their runs, by the device's id."""
    newest = Deployment.objects.filter(device=OuterRef("pk")).exclude(activated_at=None)
    newest = Subquery(newest.order_by("-activated_at", "-pk").values("pk")[:1])
    ids = Device.objects.filter(pk__in=[device.pk for device in devices]).values_list("pk", newest)
    rows = Deployment.objects.select_related("run").in_bulk([pk for _device, pk in ids if pk])
    by_device = {device: rows.get(pk) for device, pk in ids}
    found = {device.pk: _as_reported(device, by_device.get(device.pk)) for device in devices}
    return {pk: deployment for pk, deployment in found.items() if deployment is not None}


def _as_reported(device: Device, newest: Deployment | None) -> Deployment | None:
    """``newest``, unless the board said since then that it runs something else."""
    if device.reported_at is None or (newest and newest.activated_at > device.reported_at):
        return newest
    if newest is not None and newest.release == device.reported_release:
        return newest
    return deployment_of(device, device.reported_release)
