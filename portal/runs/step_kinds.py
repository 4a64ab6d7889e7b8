"""The kinds of steps in a run's graph: how each starts, and what its job makes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from portal.compilation import services as compilation
from portal.deployment import gate
from portal.deployment import services as deployment
from portal.importing import services as importing
from portal.jobs.models import Job
from portal.models.models import CompiledModel, Model
from portal.runs import replacing
from portal.runs.models import Step
from portal.training import services as training
from workers.contract.messages import msg


@dataclass(frozen=True)
class StepKind:
    """``start(step, made, priority)`` queues the step's first job; ``made`` are the results of the needed
    steps, in order.

    ``relation`` is the job's attribute that holds its result. ``withheld(step, made)`` says why it should not
    start; empty if nothing speaks against it.
    """

    name: str
    relation: str
    start: Callable[[Step, list, int], Job]
    withheld: Callable[[Step, list], str] = field(default=lambda step, made: "")


def _train(step: Step, made: list, priority: int) -> Job:
    run = step.run
    model = training.start(
        run.dataset_version,
        run.created_by,
        name=run.name,
        task=run.task,
        recipe=run.recipe,
        params=run.params,
        method=step.inputs.get("method") or {},
        priority=priority,
    )
    return model.job


def _import(step: Step, made: list, priority: int) -> Job:
    run = step.run
    model = importing.start(
        step.inputs["file"],
        run.dataset_version,
        run.created_by,
        name=run.name,
        task=run.task,
        params=run.params,
        labels=step.inputs["labels"],
        priority=priority,
    )
    return model.job


def _compile(step: Step, made: list[Model], priority: int) -> Job:
    inputs = step.inputs
    compiled = compilation.start(
        made[0],
        step.run.created_by,
        chip=inputs["chip"],
        channel_order=inputs["channel_order"],
        quantization=inputs["quantization"],
        priority=priority,
    )
    return compiled.job


def _deploy(step: Step, made: list[CompiledModel], priority: int) -> Job:
    attempt = deployment.start(
        made[0].in_use,
        step.device,
        step.run.created_by,
        board_images=step.inputs["board_images"],
        priority=priority,
    )
    return attempt.job


def _withheld(step: Step, made: list[CompiledModel]) -> str:
    """The policy's refusal, or a better model on the device."""
    refused = gate.withheld(made[0].in_use)
    if refused:
        return refused
    if step.run.params.get("replace_better"):
        return ""
    return replacing.withheld(made[0].in_use, step.device)


TRAIN, IMPORT, COMPILE, DEPLOY = "train", "import", "convert", "deploy"
SOURCES = (TRAIN, IMPORT)  # they make the run's model
KINDS = {
    kind.name: kind
    for kind in (
        StepKind(TRAIN, "model", _train),
        StepKind(IMPORT, "model", _import),
        StepKind(COMPILE, "compiled_model", _compile),
        StepKind(DEPLOY, "deployment", _deploy, _withheld),
    )
}


def made_by(step: Step):
    """The result of the step's current job; None before it is started."""
    return getattr(step.job, KINDS[step.kind].relation, None) if step.job else None


def short_title(step: Step) -> str:
    """A short title of a step, for programs and their logs."""
    if step.kind == COMPILE:
        return f"RKNN {step.inputs['chip']}"
    if step.kind == DEPLOY:
        return msg("Board {name}", name=step.device.name)
    return "Import" if step.kind == IMPORT else "Train"
