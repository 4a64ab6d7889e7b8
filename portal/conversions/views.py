"""Compiled models: which exist, for which chip, how accurate, where they run."""

from __future__ import annotations

from django.shortcuts import render

from portal.conversions.models import CompiledModel
from portal.core import configs
from portal.core.paging import page_of
from portal.devices.models import Device
from portal.devices.running import current_deployments
from portal.jobs.models import Status


def model_list(request):
    """Every compiled model that was made, newest first."""
    rows = CompiledModel.objects.filter(run__team=request.team, job__status=Status.SUCCEEDED)
    chip = request.GET.get("chip", "")
    if chip in configs.chips():
        rows = rows.filter(chip=chip)
    page = page_of(rows.select_related("run__dataset_version__dataset", "job"), request)
    _add_devices(page.rows, request.team)
    context = {"page": page, "chip": chip, "chips": configs.chips()}
    return render(request, "conversions/list.html", context)


def _add_devices(models: list[CompiledModel], team) -> None:
    """Give each model ``placed``: the team's devices that run it now."""
    devices = {
        row.pk: row for row in Device.objects.for_team(team).filter(deployments__compiled_model__in=models)
    }
    current = current_deployments(devices.values())
    for model in models:
        found = [pk for pk, row in current.items() if row.compiled_model_id == model.pk]
        model.placed = sorted((devices[pk] for pk in found), key=lambda device: device.name)
