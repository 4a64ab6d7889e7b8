"""The figures in lists of runs, for a whole page at once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from portal.deployment.models import Deployment
from portal.models.models import Evaluation
from portal.runs.models import Run, Step
from portal.runs.step_kinds import SOURCES
from portal.tasks import Stage


@dataclass
class Figures:
    """Of one run: its planned chips and devices, and values of the task's metric by stage, 0 to 1."""

    chips: list[str] = field(default_factory=list)
    devices: list[str] = field(default_factory=list)
    quantized: list[tuple[str, float | None]] = field(default_factory=list)  # (chip, value)
    boards: list[float | None] = field(default_factory=list)


def figures_of(runs: Iterable[Run]) -> dict[int, Figures]:
    """By run id, with a number of queries that does not grow with the runs."""
    found = {run.pk: Figures() for run in runs}
    steps = Step.objects.filter(run__in=found).exclude(kind__in=SOURCES).select_related("device")
    for step in steps:
        if step.device is not None:
            found[step.run_id].devices.append(step.device.name)
        elif step.inputs.get("chip"):
            found[step.run_id].chips.append(step.inputs["chip"])
    _add_quantized(found)
    _add_boards(found)
    return found


def _add_quantized(found: dict[int, Figures]) -> None:
    """Of the chosen variant for each chip."""
    rows = Evaluation.objects.filter(stage=Stage.SIMULATOR, compiled_model__chosen=True).order_by("id")
    rows = rows.filter(model__job__step__run__in=found)
    for run_id, chip, value in rows.values_list("model__job__step__run", "compiled_model__chip", "value"):
        found[run_id].quantized.append((chip, value))


def _add_boards(found: dict[int, Figures]) -> None:
    """Of the newest attempt on each device."""
    rows = Deployment.objects.filter(compiled_model__model__job__step__run__in=found).newest().order_by("id")
    rows = rows.filter(job__evaluations__stage=Stage.BOARD)
    for run_id, value in rows.values_list("compiled_model__model__job__step__run", "job__evaluations__value"):
        found[run_id].boards.append(value)
