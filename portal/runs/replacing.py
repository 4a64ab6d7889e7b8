"""What a person should know before a run's model replaces what a device runs now."""

from __future__ import annotations

from portal.deployment.running import current_deployment
from portal.devices.models import Device
from portal.models.models import CompiledModel, Evaluation
from portal.runs.graph import Graph
from portal.tasks import Stage
from workers.contract.messages import Message, msg


def questions(graph: Graph, device: Device) -> list[Message]:
    """Sentences that a person confirms first; none when nothing is lost by the change."""
    now = current_deployment(device)
    if now is None or now.compiled_model.model_id == (graph.model.pk if graph.model else None):
        return []
    old, new = now.compiled_model.model.dataset_version, graph.run.dataset_version
    if old.dataset_id != new.dataset_id:
        return [
            msg(
                "{device} runs a model of another dataset, {old}. This one was trained on {new}.",
                device=device.name,
                old=old.dataset.name,
                new=new.dataset.name,
            )
        ]
    return _worse(graph, device, now.compiled_model)


def _worse(graph: Graph, device: Device, running: CompiledModel) -> list[Message]:
    before = _measured(running)
    after = next((found for one in graph.compiled if (found := _measured(one))), None)
    if before is None or after is None or after.value >= before.value:
        return []
    params = {
        "device": device.name,
        "old": f"{100 * before.value:.2f} %",
        "new": f"{100 * after.value:.2f} %",
    }
    if before.dataset_version_id != after.dataset_version_id:
        return [
            msg(
                "The model that {device} runs reached {old}, this one {new}; they were measured on "
                "different versions of the dataset.",
                **params,
            )
        ]
    return [msg("The model that {device} runs is better: {old} against {new} on the same images.", **params)]


def _measured(compiled: CompiledModel) -> Evaluation | None:
    rows = compiled.evaluations.filter(stage=Stage.SIMULATOR).exclude(value=None)
    return rows.order_by("-pk").first()
