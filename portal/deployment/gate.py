"""Whether a team's policy lets a compiled model be deployed, and the reasons if it does not."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from portal.core import configs
from portal.deployment.models import Deployment, Policy
from portal.jobs.models import IllegalTransition
from portal.models import costs, limits
from portal.models.models import CompiledModel, Evaluation
from portal.tasks import Stage
from portal.tasks.doubts import NAMED, percent
from workers.contract.messages import Message, join, msg

MEBIBYTE = 2**20
MEASURED = (Stage.ONNX, Stage.SIMULATOR, Stage.BOARD)
BY_QUALITY = ("max_drop", "fail_under", "fail_class_under")
BY_COST = ("max_memory_mb", "no_cpu")


@dataclass(frozen=True)
class Miss:
    """A limit that a model misses. ``value`` is its figure, None if it is unknown."""

    limit: str
    allowed: float | bool
    value: float | None
    sentence: Message


@dataclass(frozen=True)
class Gate:
    """A policy's decision about one compiled model. Without a policy everything passes."""

    compiled: CompiledModel
    policy: Policy | None = None
    misses: tuple[Miss, ...] = ()

    @property
    def passed(self) -> bool:
        return not self.misses

    @property
    def reasons(self) -> Message:
        return join([miss.sentence for miss in self.misses])

    def as_data(self) -> dict[str, Any]:
        """``{"limits": {name: limit}, "misses": [{"limit", "allowed", "value", "sentence"}]}``; no limits
        without a policy.
        """
        return {
            "limits": self.policy.limits if self.policy else {},
            "misses": [vars(miss) for miss in self.misses],
        }


class GateRefused(IllegalTransition):
    """The policy refuses the model, and nobody gave a reason to deploy it anyway."""

    def __init__(self, gate: Gate):
        self.gate = gate
        advice = msg(
            "The team's deployment policy refuses it. Improve the model, or deploy it with a reason for an "
            "exception."
        )
        super().__init__(join([gate.reasons, advice]))


@dataclass
class Figures:
    """What is known of one compiled model: its newest evaluations by stage, and its times on boards."""

    stages: dict[str, Evaluation] = field(default_factory=dict)
    board_ms: list[float] = field(default_factory=list)

    @property
    def drop(self) -> float:
        return sum(
            self.stages[stage].drop or 0.0 for stage in (Stage.ONNX, Stage.SIMULATOR) if stage in self.stages
        )

    @property
    def ms(self) -> float | None:
        return statistics.median(self.board_ms) if self.board_ms else None


def gate_of(compiled: CompiledModel) -> Gate:
    """The decision about one compiled model."""
    return gates_of([compiled])[compiled.pk]


def gates_of(rows: Iterable[CompiledModel]) -> dict[int, Gate]:
    """The decisions about compiled models of one team, by id, in two queries."""
    rows = list(rows)
    if not rows:
        return {}
    policies = {(one.task, one.chip): one for one in Policy.objects.for_team(rows[0].model.team_id)}
    found = {row.pk: _policy_for(row, policies) for row in rows}
    figures = figures_of([row for row in rows if found[row.pk]]) if policies else {}
    return {row.pk: judge(row, found[row.pk], figures.get(row.pk)) for row in rows}


def _policy_for(compiled: CompiledModel, policies: dict) -> Policy | None:
    task = compiled.model.task
    return policies.get((task, compiled.chip)) or policies.get((task, ""))


def figures_of(rows: Iterable[CompiledModel]) -> dict[int, Figures]:
    """By compiled model id; boards count if they are real."""
    known = {row.pk: row for row in rows}
    found = {pk: Figures() for pk in known}
    measured = Evaluation.objects.filter(compiled_model__in=found, stage__in=MEASURED).order_by("pk")
    for one in measured.select_related("device"):
        figures, one.model = found[one.compiled_model_id], known[one.compiled_model_id].model
        if one.stage != Stage.BOARD:
            figures.stages[one.stage] = one
        elif one.device and not one.device.is_virtual and one.metrics.get("ms_median"):
            figures.board_ms.append(one.metrics["ms_median"])
    return found


def judge(compiled: CompiledModel, policy: Policy | None, figures: Figures | None) -> Gate:
    """Apply one policy. What a limit needs and is unknown counts as missed, except the latency, which only
    a board can measure: it is checked in the deployment's trial.
    """
    if policy is None:
        return Gate(compiled)
    figures = figures or Figures()
    misses = [
        *_of_quality(compiled, policy, figures),
        *_of_cost(compiled, policy),
        *_of_latency(compiled, policy, figures),
    ]
    return Gate(compiled, policy, tuple(misses))


def _of_quality(compiled: CompiledModel, policy: Policy, figures: Figures) -> Iterator[Miss]:
    measured = figures.stages.get(Stage.SIMULATOR)
    if measured is None or measured.value is None:
        for name in BY_QUALITY:
            if name in policy.limits:
                sentence = msg("{stage} was not measured: compile it again.", stage=compiled.title)
                yield Miss(name, policy.limits[name], None, sentence)
                return
        return
    yield from _of_stage(compiled.title, policy, measured, figures.drop)


def _of_stage(title: Message, policy: Policy, measured: Evaluation, drop: float) -> Iterator[Miss]:
    task, most, least = measured.model.task_class, policy.max_drop, policy.fail_under
    if most is not None and limits.exceeds(drop, most):
        yield Miss("max_drop", most, drop, limits.lost_too_much(title, task, measured, drop, most))
    if least is not None and limits.exceeds(least, measured.value):
        yield Miss("fail_under", least, measured.value, limits.too_low(title, task, measured, least))
    yield from _of_classes(title, policy.fail_class_under, measured)


def _of_classes(title: Message, least: float | None, measured: Evaluation) -> Iterator[Miss]:
    """The lowest classes; those without images have no figure."""
    name = measured.model.task_class.class_metric
    rows = [row for row in measured.metrics.get("per_class", []) if row.get(name) is not None]
    low = [row for row in rows if least is not None and limits.exceeds(least, row[name])]
    for row in sorted(low, key=lambda row: row[name])[:NAMED]:
        sentence = msg(
            "{stage}: class {name} reaches {value} on {images}; at least {least} is required of each class.",
            stage=title,
            name=row["name"],
            value=percent(row[name]),
            images=measured.measured_on,
            least=percent(least),
        )
        yield Miss("fail_class_under", least, row[name], sentence)


def _of_cost(compiled: CompiledModel, policy: Policy) -> Iterator[Miss]:
    wanted = [name for name in BY_COST if name in policy.limits]
    if wanted and not compiled.cost:
        sentence = msg("{stage}: the compiler reported no cost.", stage=compiled.title)
        yield Miss(wanted[0], policy.limits[wanted[0]], None, sentence)
        return
    if policy.max_memory_mb is not None:
        yield from _of_memory(compiled, policy.max_memory_mb)
    operators = compiled.cost.get("cpu_ops") or []
    if policy.no_cpu and operators:
        sentence = msg(
            "{stage}: {operators} run on the CPU; every operator must run on the NPU.",
            stage=compiled.title,
            operators=", ".join(sorted(set(operators))[:NAMED]),
        )
        yield Miss("no_cpu", True, float(len(operators)), sentence)


def _of_memory(compiled: CompiledModel, most: float) -> Iterator[Miss]:
    needed = compiled.memory_bytes / MEBIBYTE
    if limits.exceeds(needed, most):
        sentence = msg(
            "{stage} needs {needed} MB for weights and feature maps; {most} MB are allowed.",
            stage=compiled.title,
            needed=f"{needed:.2f}",
            most=f"{most:g}",
        )
        yield Miss("max_memory_mb", most, needed, sentence)


def _of_latency(compiled: CompiledModel, policy: Policy, figures: Figures) -> Iterator[Miss]:
    measured, most = figures.ms, policy.max_ms
    value = measured if measured is not None else costs.estimate_ms(compiled)
    if most is None or value is None or not limits.exceeds(value, most):
        return
    places = {"stage": compiled.title, "value": f"{value:.2f}", "most": f"{most:g}"}
    sentence = (
        msg("{stage} takes {value} ms for one image on boards; {most} ms are allowed.", **places)
        if measured is not None
        else msg("{stage} takes an estimated {value} ms for one image; {most} ms are allowed.", **places)
    )
    yield Miss("max_ms", most, value, sentence)


def refuse_unless_passed(compiled: CompiledModel, reason: str = "") -> Gate:
    """The decision, for the deployment's row. Raises GateRefused without a ``reason`` for an exception."""
    found = gate_of(compiled)
    if not found.passed and not reason:
        raise GateRefused(found)
    return found


def withheld(compiled: CompiledModel) -> Message | str:
    """Why a run does not deploy the model by itself; empty if it may."""
    found = gate_of(compiled)
    if found.passed:
        return ""
    chip = configs.title(configs.chips(), compiled.chip)
    advice = msg(
        "The team's deployment policy refuses the model for {chip}, so it was not deployed. An operator can "
        "deploy it with a reason for an exception.",
        chip=chip,
    )
    return join([found.reasons, advice])


def board_misses(deployment: Deployment, measured: Evaluation) -> list[Miss]:
    """What the board's own measurement misses of the limits under which it was started, unless somebody
    gave a reason for an exception: the drop against the simulator, the floors, the latency.
    """
    if deployment.override or measured.value is None:
        return []
    policy = Policy(**(deployment.gate or {}).get("limits", {}))
    title = msg("The board {device}", device=deployment.device.name)
    found = list(_of_stage(title, policy, measured, measured.drop or 0.0))
    ms = measured.metrics.get("ms_median")
    slow = policy.max_ms is not None and ms is not None and limits.exceeds(ms, policy.max_ms)
    if slow and not deployment.device.is_virtual:
        sentence = msg(
            "{stage} takes {value} ms for one image; {most} ms are allowed.",
            stage=title,
            value=f"{ms:.2f}",
            most=f"{policy.max_ms:g}",
        )
        found.append(Miss("max_ms", policy.max_ms, ms, sentence))
    return found
