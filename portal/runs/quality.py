"""Whether a run's models meet the quality limits: the maximum drop, and the minimum value."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from portal.models import limits
from portal.runs.graph import Graph
from portal.runs.parity import Branch, StageResult, branches
from workers.contract.messages import Message

PASSED, FAILED = "passed", "failed"
STATES = (PASSED, FAILED)
LIMITS = ("max_drop", "fail_under")  # parameters of a run; fractions of the metric
USUAL_MAX_DROP = 0.03  # of runs that are older than the limits


@dataclass(frozen=True)
class Miss:
    """A limit that a model misses. ``value`` is its drop or its metric, ``device`` the measuring device."""

    limit: str
    allowed: float
    value: float
    chip: str
    device: str | None
    sentence: Message


@dataclass(frozen=True)
class Quality:
    """The limits, and the misses. ``state`` is for scripts; the run's status does not depend on it."""

    max_drop: float
    fail_under: float | None
    misses: tuple[Miss, ...]

    @property
    def state(self) -> str:
        return FAILED if self.misses else PASSED


def quality(graph: Graph, instead: dict[str, Any] | None = None) -> Quality | None:
    """None until the run has ended and something was evaluated. ``instead`` replaces the run's limits."""
    if not graph.run.is_final:
        return None
    wanted = limits_of(graph.run.params) | {
        key: one for key, one in (instead or {}).items() if one is not None
    }
    found = branches(graph)
    if found:
        misses = [miss for branch in found for miss in _misses(branch, **wanted)]
        return Quality(**wanted, misses=tuple(misses))
    trained = graph.evaluated.uncompiled
    if trained is None:
        return None
    return Quality(**wanted, misses=tuple(_too_low(StageResult(graph.task, trained), wanted["fail_under"])))


def limits_of(params: dict[str, Any]) -> dict[str, Any]:
    """Those of a run's parameters."""
    most = params.get("max_drop")
    return {"max_drop": USUAL_MAX_DROP if most is None else most, "fail_under": params.get("fail_under")}


def _misses(branch: Branch, max_drop: float, fail_under: float | None) -> Iterator[Miss]:
    """Of the compiled model; of a board, only what the compiled model did not already miss."""
    row = branch.compiled_row
    if row is not None:
        yield from _too_much(row, branch.drop, max_drop)
        yield from _too_low(row, fail_under)
    for board in branch.boards:
        yield from _too_much(board, board.drop, max_drop)
        if row is None or not list(_too_low(row, fail_under)):
            yield from _too_low(board, fail_under)


def _too_much(row: StageResult, drop: float, most: float) -> Iterator[Miss]:
    if limits.exceeds(drop, most):
        sentence = limits.lost_too_much(row.title, row.task, row.evaluation, drop, most)
        yield _miss(row, "max_drop", most, drop, sentence)


def _too_low(row: StageResult, least: float | None) -> Iterator[Miss]:
    value = row.evaluation.value
    if least is not None and value is not None and limits.exceeds(least, value):
        yield _miss(
            row, "fail_under", least, value, limits.too_low(row.title, row.task, row.evaluation, least)
        )


def _miss(row: StageResult, limit: str, most: float, value: float, sentence: Message) -> Miss:
    chip = row.compiled.chip if row.compiled else ""
    device = row.deployment.device.name if row.deployment else None
    return Miss(limit, most, value, chip, device, sentence)
