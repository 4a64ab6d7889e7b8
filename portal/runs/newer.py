"""Devices whose model is older than one that was trained on the same dataset since.

Noted when a run ends: then its own deployments have been made. A model that measures worse on the same images
is no news.
"""

from __future__ import annotations

from collections.abc import Iterable

from django.db import transaction
from django.urls import reverse

from portal.core import configs
from portal.deployment.models import Deployment
from portal.deployment.running import current_deployments
from portal.devices import releases
from portal.devices.models import Device
from portal.models.models import CompiledModel, Evaluation, Model
from portal.notify import services as notify
from portal.runs.graph import Graph
from portal.runs.models import NewerModel, Run
from portal.tasks import Stage


def note(run: Run) -> None:
    """Announce each device that runs an older model than the run's, once for each device and model."""
    compiled = {(one.chip, one.channel_order): one for one in Graph(run).compiled if one.is_ready}
    if not compiled:
        return
    devices = [device for device in Device.objects.for_team(run.team) if _target(device) in compiled]
    for pk, deployment in current_deployments(devices).items():
        device = next(one for one in devices if one.pk == pk)
        if _is_older(deployment, compiled[_target(device)]):
            _tell(device, compiled[_target(device)].model)


@transaction.atomic
def _tell(device: Device, model: Model) -> None:
    row, made = NewerModel.objects.get_or_create(device=device, model=model)
    if made:
        notify.emit("device.newer", device.team, row)


def _target(device: Device) -> tuple[str, str] | None:
    profile = configs.boards().get(device.profile)
    return (profile.chip, profile.channel_order) if profile else None


def _is_older(deployment: Deployment, new: CompiledModel) -> bool:
    old = deployment.compiled_model
    same_data = old.model.dataset_version.dataset_id == new.model.dataset_version.dataset_id
    newer = new.model_id > old.model_id and new.model.task == old.model.task and same_data
    return newer and not _is_worse(old, new)


def _is_worse(old: CompiledModel, new: CompiledModel) -> bool:
    """Whether both were measured in the simulator on the same images, and the new one is worse."""
    rows = Evaluation.objects.filter(compiled_model__in=[old, new], stage=Stage.SIMULATOR).order_by("pk")
    found = {row.compiled_model_id: row for row in rows if row.value is not None}
    if len(found) < 2:
        return False
    before, after = found[old.pk], found[new.pk]
    same = (before.dataset_version_id, before.split, before.images) == (
        after.dataset_version_id, after.split, after.images,
    )  # fmt: skip
    return same and after.value < before.value


def of_devices(devices: Iterable[Device]) -> dict[int, releases.NewerRelease]:
    """The newest model that is newer than what each device runs, by device id."""
    rows = NewerModel.objects.filter(device__in=[device.pk for device in devices], model__deleted_at=None)
    newest = {row.device_id: row for row in rows.select_related("model__job__step__run").order_by("model")}
    behind = [device for device in devices if device.pk in newest]
    current = current_deployments(behind) if behind else {}
    return {
        pk: _described(newest[pk].model)
        for pk, deployment in current.items()
        if deployment.compiled_model.model_id < newest[pk].model.pk
    }


def _described(model: Model) -> releases.NewerRelease:
    run = model.job.step.run
    deploy = reverse("run-deploy", args=[run.pk])
    return releases.NewerRelease(model.pk, run.name, run.get_absolute_url(), deploy)
