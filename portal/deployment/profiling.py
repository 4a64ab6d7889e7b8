"""Times the current release of a device on the board itself, and keeps what it took."""

from __future__ import annotations

import statistics
from typing import Any

from django.db import transaction
from django.template.loader import render_to_string

from portal.deployment import running as deployments
from portal.deployment.models import Profile
from portal.devices import running
from portal.devices.errors import NothingDeployed
from portal.devices.models import Device
from portal.devices.remote_runner import run_sent
from portal.devices.services import connect
from portal.jobs import services as jobs
from portal.jobs.context import JobContext
from portal.jobs.models import ACTIVE, IllegalTransition, Job, Status
from portal.models import costs
from portal.teams import audit
from workers.contract.messages import Message, msg

KIND = "profile"
CALLS, SECONDS, TIMEOUT = 100, 20.0, 180.0
HISTORY = 10
FIELDS = ("load_ms", "first_ms", "whole_ms", "predict_ms")


@transaction.atomic
def start(device: Device, user) -> Profile:
    """Queue the timing of what runs on a device.

    Raises QuotaReached, or IllegalTransition if one is under way.
    """
    jobs.refuse_if_full(device.team)
    if device.profiles.filter(job__status__in=ACTIVE).exists():
        raise IllegalTransition(
            msg("{device} is already being timed: wait for it to end.", device=device.name)
        )
    made = Profile.objects.create(
        team=device.team,
        created_by=user,
        device=device,
        job=jobs.submit(KIND, device.team, user, **device.lane),
    )
    audit.record("device.profile", device, actor=user)
    return made


def perform(job: Job, context: JobContext) -> dict:
    device = job.profile.device
    profile = device.board_profile
    context.phase(msg("connecting to {host}:{port}", host=device.host, port=device.port))
    with connect(device, context) as connection:
        release = running.read_current(connection, profile)
        running.record(device, release)
        if not release:
            raise NothingDeployed(msg("Nothing runs on {device}: deploy a model first.", device=device.name))
        context.phase(msg("timing the release"))
        folder = f"{profile.root}/releases/{release}"
        arguments = (folder, str(CALLS), str(SECONDS))
        found = run_sent(connection, profile, "profiler.py", *arguments, timeout=TIMEOUT, fields=FIELDS)
    return {"release": release, "figures": figures(found)}


def figures(found: dict[str, Any]) -> dict[str, Any]:
    """The message of the board's program as it is kept: each series as its count, median and percentiles."""
    kept = {key: value for key, value in found.items() if key not in ("type", "whole_ms", "predict_ms")}
    return kept | {"whole": spread(found["whole_ms"]), "predict": spread(found["predict_ms"])}


def spread(values: list[float]) -> dict[str, Any]:
    """``{"calls", "median", "p95", "p99"}`` of milliseconds; None without any."""
    known = sorted(values)
    at = {name: round(known[int(share * (len(known) - 1))], 3) if known else None
          for name, share in (("p95", 0.95), ("p99", 0.99))}  # fmt: skip
    median = round(statistics.median(known), 3) if known else None
    return {"calls": len(known), "median": median, **at}


def complete(job: Job, result: dict) -> None:
    row = job.profile
    row.release, row.figures = result["release"], result["figures"]
    row.deployment = deployments.deployment_of(row.device, row.release)
    row.save(update_fields=["release", "figures", "deployment"])


def replace(old: Job, new: Job) -> None:
    Profile.objects.filter(job=old).update(job=new)


def measured_of(team, chip: str) -> list[tuple[float, Any]]:
    """``(milliseconds, compiled model)`` of the timings on the team's real boards of a chip, newest first."""
    rows = Profile.objects.for_team(team).filter(
        job__status=Status.SUCCEEDED, deployment__compiled_model__chip=chip
    )
    rows = rows.select_related("deployment__compiled_model", "device").order_by("-pk")[
        : costs.BOARDS_LOOKED_AT
    ]
    return [
        (row.milliseconds, row.deployment.compiled_model)
        for row in rows
        if row.milliseconds and not row.device.is_virtual
    ]


def error_of(row: Profile) -> Message | None:
    """How far the estimate is from the board, in words; None for a virtual board, or without an estimate."""
    estimate = row.estimate_ms
    if estimate is None or not row.milliseconds or row.device.is_virtual:
        return None
    share = 100 * (estimate - row.milliseconds) / row.milliseconds
    if share >= 0:
        return msg("estimated {share} % too slow", share=f"{share:.0f}")
    return msg("estimated {share} % too fast", share=f"{-share:.0f}")


def panel(request, device: Device) -> str:
    """The timings of a device, newest first, for its page."""
    rows = list(device.profiles.select_related("job", "deployment__compiled_model__model")[:HISTORY])
    for row in rows:
        row.device = device
    lines = [(row, error_of(row)) for row in rows]
    return render_to_string("deployment/_profiles.html", {"lines": lines, "device": device}, request=request)
