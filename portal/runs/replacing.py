"""Reasons not to replace the current model of a device."""

from __future__ import annotations

from portal.deployment.running import current_deployment
from portal.devices.models import Device
from portal.models.models import CompiledModel, Evaluation
from portal.tasks import Stage
from portal.tasks.doubts import Grade
from workers.contract.messages import Message, join, msg


def questions(compiled: CompiledModel, device: Device) -> list[Message]:
    """Sentences for a person to confirm; none if the change loses nothing."""
    now = current_deployment(device)
    if now is None or now.compiled_model_id == compiled.pk:
        return []
    old, new = now.compiled_model.model.dataset_version, compiled.model.dataset_version
    if old.dataset_id != new.dataset_id:
        return [
            *_worthless(compiled),
            msg(
                "{device} runs a model of another dataset, {old}. This one was trained on {new}.",
                device=device.name,
                old=old.dataset.name,
                new=new.dataset.name,
            ),
        ]
    return _worthless(compiled) or _worse(compiled, device, now.compiled_model)


def withheld(compiled: CompiledModel, device: Device) -> Message | str:
    """Why a run that may not replace a better model leaves the device as it is; empty if it may deploy.

    A person chose the device, so a model of another dataset is replaced.
    """
    now = current_deployment(device)
    if now is None or now.compiled_model_id == compiled.pk:
        return ""
    same = now.compiled_model.model.dataset_version.dataset_id == compiled.model.dataset_version.dataset_id
    found = _worthless(compiled) or (_worse(compiled, device, now.compiled_model) if same else [])
    if not found:
        return ""
    kept = msg("{device} keeps the model that it runs.", device=device.name)
    return join([*found, kept, msg("Deploy this one by hand if you want it all the same.")])


def _worthless(compiled: CompiledModel) -> list[Message]:
    measured = _measured(compiled, Stage.SIMULATOR)
    if measured is None:
        return []
    before = _measured(compiled, Stage.ONNX)
    found = compiled.model.task_class.doubts(measured.metrics, before.metrics if before else None)
    return [doubt.sentence for doubt in found if doubt.grade == Grade.WORTHLESS]


def _worse(compiled: CompiledModel, device: Device, running: CompiledModel) -> list[Message]:
    before, after = (_measured(one, Stage.SIMULATOR) for one in (running, compiled))
    if before is None or after is None or after.value >= before.value:
        return []
    params = {
        "device": device.name,
        "old": f"{100 * before.value:.2f} %",
        "new": f"{100 * after.value:.2f} %",
    }
    if before.dataset_version_id == after.dataset_version_id:
        return [
            msg("The model that {device} runs is better: {old} against {new} on the same images.", **params)
        ]
    return [
        msg(
            "The model that {device} runs reached {old}, this one {new}; they were measured on "
            "different versions of the dataset.",
            **params,
        )
    ]


def _measured(compiled: CompiledModel, stage: Stage) -> Evaluation | None:
    rows = compiled.evaluations.filter(stage=stage).exclude(value=None)
    return rows.order_by("-pk").first()
