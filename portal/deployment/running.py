"""Which deployment runs on a device, derived from what the board itself reports.

A deployment records the release that it is about to make current (``Deployment.intended``) before it
switches. So if its worker is killed between the switch on the board and the rows here, the board's report can
still be matched at the next contact, be it a probe, check, inference or deployment.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from django.db.models import OuterRef, Q, Subquery
from django.template.loader import render_to_string
from django.utils import timezone

from portal import tasks
from portal.deployment import likeness
from portal.deployment.models import Deployment
from portal.devices.models import Device
from portal.devices.releases import KnownRelease
from portal.models import pages
from portal.models.models import Evaluation
from portal.tasks import Stage
from portal.teams import audit

HISTORY = 20


def reconcile(device: Device, release: str | None) -> None:
    """Make the attempt behind the reported release the newest that became current."""
    newest = _newest(device)
    if not release or (newest is not None and newest.release == release):
        return
    mine = device.deployments.filter(Q(release=release) | Q(intended__release=release))
    deployment = mine.select_related("device__team", "job__created_by").order_by("-pk").first()
    if deployment is None:
        return
    if not deployment.release:
        deployment.release = release
        deployment.placed = {key: value for key, value in deployment.intended.items() if key != "release"}
    deployment.activated_at = timezone.now()
    deployment.save(update_fields=["release", "placed", "activated_at"])
    label = f"{release} → {device}"
    actor = deployment.job.created_by
    audit.record("deployment.activate", deployment, team=device.team, actor=actor, label=label)


def _newest(device: Device) -> Deployment | None:
    activated = device.deployments.exclude(activated_at=None)
    return activated.order_by("-activated_at", "-pk").first()


def deployment_of(device: Device, release: str | None) -> Deployment | None:
    """The deployment that put a release on the board; None for a release unknown to the portal."""
    return _there(device, {release}).get(release) if release else None


def _there(device: Device, releases: set[str]) -> dict[str, Deployment]:
    """By release: the newest deployments to the board, through this row or another one of the team with
    the same address.
    """
    there = Q(device=device) | Q(
        device__team=device.team_id,
        device__host__iexact=device.host,
        device__port=device.port,
        device__jump=device.jump_id,
        device__site=device.site,
    )
    rows = Deployment.objects.filter(there, release__in=releases).select_related(
        "compiled_model__model", "source"
    )
    return {row.release: row for row in rows.order_by("activated_at", "pk")}


def current_deployment(device: Device) -> Deployment | None:
    """The deployment that runs on the device; None if there is none, or none known to the portal."""
    return current_deployments([device]).get(device.pk)


def current_deployments(devices: Iterable[Device]) -> dict[int, Deployment]:
    """The current deployments of many devices, by device id."""
    devices = list(devices)
    newest = Deployment.objects.filter(device=OuterRef("pk")).exclude(activated_at=None)
    newest = Subquery(newest.order_by("-activated_at", "-pk").values("pk")[:1])
    ids = Device.objects.filter(pk__in=[device.pk for device in devices]).values_list("pk", newest)
    rows = Deployment.objects.select_related("compiled_model__model", "source")
    rows = rows.in_bulk([pk for _device, pk in ids if pk])
    found = {device: rows.get(pk) for device, pk in ids}
    others = [device for device in devices if _reports_another(device, found.get(device.pk))]
    found |= dict.fromkeys([device.pk for device in others]) | _reported(others)
    return {pk: deployment for pk, deployment in found.items() if deployment is not None}


def _reports_another(device: Device, newest: Deployment | None) -> bool:
    """Whether the board has reported another release since its newest deployment."""
    if device.reported_at is None or (newest and newest.activated_at > device.reported_at):
        return False
    return newest is None or newest.release != device.reported_release


def _reported(devices: Sequence[Device]) -> dict[int, Deployment]:
    """As ``deployment_of``, for the release that each device reported, by device id."""
    wanted = [device for device in devices if device.reported_release]
    if not wanted:
        return {}
    teams, names = ({getattr(one, name) for one in wanted} for name in ("team_id", "reported_release"))
    rows = Deployment.objects.filter(device__team__in=teams, release__in=names)
    rows = rows.select_related("compiled_model__model", "source", "device").order_by("activated_at", "pk")
    found = {}
    for row in rows:  # the newest comes last
        found[row.device_id, row.release] = found[_address(row.device), row.release] = row
    order = {row.pk: number for number, row in enumerate(rows)}
    newest = {
        device.pk: [found.get((place, device.reported_release)) for place in (device.pk, _address(device))]
        for device in wanted
    }
    return {pk: max(there, key=lambda row: order[row.pk]) for pk, rows in newest.items()
            if (there := list(filter(None, rows)))}  # fmt: skip


def _address(device: Device) -> tuple[int, str, int, int | None, str]:
    return device.team_id, device.host.lower(), device.port, device.jump_id, device.site


def devices_that_run(compiled_ids: set[int]) -> dict[int, list[Device]]:
    """The devices on which each of the compiled models is current, by compiled model id."""
    devices = Device.objects.filter(deployments__compiled_model__in=compiled_ids).distinct()
    found: dict[int, list[Device]] = {}
    by_id = {device.pk: device for device in devices}
    for pk, deployment in current_deployments(by_id.values()).items():
        if deployment.compiled_model_id in compiled_ids:
            found.setdefault(deployment.compiled_model_id, []).append(by_id[pk])
    return found


class DeploymentsOnBoards:
    """Implements the interface of ``devices.releases``."""

    reconcile = staticmethod(reconcile)

    def current(self, devices: Iterable[Device]) -> dict[int, KnownRelease]:
        return _described(current_deployments(devices))

    def known(self, device: Device, releases: set[str]) -> dict[str, KnownRelease]:
        return _described(_there(device, releases))

    def attempts(self, device: Device) -> int:
        return device.deployments.count()

    def unlikeness(self, device: Device, release: str | None, grays: dict[str, bytes]) -> dict[str, float]:
        return likeness.unlikeness(deployment_of(device, release), grays)


def panel(request, device: Device) -> str:
    """A device's deployment history, for its page."""
    rows = list(device.deployments.select_related("job", "compiled_model__model", "source")[:HISTORY])
    for row in rows:
        row.device = device  # one instance for all rows, with the known facts about its releases
    places = pages.of([row.compiled_model.model for row in rows])
    measured = _measured(rows)
    lines = [(row, places[row.compiled_model.model_id], measured.get(row.measured_job)) for row in rows]
    context = {
        "lines": lines,
        "metric": tasks.metric_title(row.compiled_model.model.task for row in rows),
        "current": next((row.pk for row in rows if row.is_current), None),  # a rollback repeats a release
    }
    return render_to_string("deployment/_of_device.html", context, request=request)


def _described(deployments: dict) -> dict:
    rows = list(deployments.values())
    places = pages.of([row.compiled_model.model for row in rows])
    measured = _measured(rows)
    return {
        key: KnownRelease(
            row.release,
            places[row.compiled_model.model_id].words,
            places[row.compiled_model.model_id].url,
            row.activated_at,
            row.engine,
            measured.get(row.measured_job),
            row.compiled_model.model.task_class.metric_title,
            row.pk,
            row.compiled_model.model.score_threshold,
        )
        for key, row in deployments.items()
    }


def _measured(rows: list[Deployment]) -> dict[int, Evaluation]:
    """The board's evaluations, by the deployment's job."""
    jobs = [row.measured_job for row in rows]
    return {one.job_id: one for one in Evaluation.objects.filter(job__in=jobs, stage=Stage.BOARD)}
