"""The parity report of a run, for the page, the API and the command line."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from portal.models.evaluations import predictions_of
from portal.runs.causes import Finding, finding, smallest_loss
from portal.runs.graph import Graph
from portal.runs.matrix import Matrix, matrix_of
from portal.runs.mistakes import Picture
from portal.runs.parity import Branch, StageResult, branches
from portal.runs.quality import quality
from workers.contract.messages import Message

CHANGED_SHOWN = 24
CLASSES_SHOWN = 200


@dataclass(frozen=True)
class StageReport:
    """A stage with the images that it predicts differently from the previous one, worst first."""

    row: StageResult
    changed: list[Picture]  # of a Change
    matrix: Matrix | None


@dataclass(frozen=True)
class BranchReport:
    branch: Branch
    finding: Finding
    smallest_loss: Message | None
    stages: list[StageReport]

    @property
    def classes(self) -> list[dict]:
        return self.branch.classes[:CLASSES_SHOWN]

    @property
    def matrices(self) -> list[StageReport]:
        """The confusion matrices side by side, without repetitions."""
        first, *others = self.stages
        different = [stage for stage in others if stage.row.parity.get("changed", 1)]
        return [stage for stage in (first, *different) if stage.matrix]


def branch_reports(graph: Graph) -> list[BranchReport]:
    return [_of_branch(graph, branch) for branch in branches(graph)]


def _of_branch(graph: Graph, branch: Branch) -> BranchReport:
    stages, before = [], []
    for row in branch.rows:
        # A board is compared with the simulator, not with another board.
        changed = row.parity.get("changed")
        rows = predictions_of(row.evaluation) if _is_compared(branch, row) else []
        stages.append(_of_stage(graph, row, before if changed else [], rows))
        before = before if row.deployment else rows
    compiled = branch.compiled_row or branch.rows[-1]
    return BranchReport(branch, finding(branch), smallest_loss(compiled), stages)


def _is_compared(branch: Branch, row: StageResult) -> bool:
    """Whether its predictions are needed: some changed in this stage or in a later one."""
    later = branch.rows[branch.rows.index(row) + 1 :]
    return any(one.parity.get("changed") for one in (row, *later))


def _of_stage(graph: Graph, row: StageResult, before: list[dict], after: list[dict]) -> StageReport:
    names = graph.class_names
    changed = graph.task.changed(before, after)[:CHANGED_SHOWN] if before else []
    pictures = [Picture.of(graph.task.change(one, names)) for one in changed]
    return StageReport(row, pictures, matrix_of(row.evaluation.metrics, names))


def as_data(graph: Graph, limits: dict[str, Any] | None = None) -> dict[str, Any]:
    """For the API: see ``parity_serializers.py``."""
    run = graph.run
    return {
        "run": run.pk,
        "name": run.name,
        "metric": {"name": graph.task.metric, "title": str(graph.task.metric_title)},
        "split": run.dataset_version.measured_split,
        "score_threshold": graph.model.shown_from if graph.model else None,
        "quality": quality(graph, limits),
        "branches": [_branch_data(one) for one in branch_reports(graph)],
    }


def _branch_data(report: BranchReport) -> dict[str, Any]:
    lost = report.finding.stage
    return {
        "chip": report.branch.compiled.chip,
        "compiled_model": report.branch.compiled.pk,
        "drop": report.branch.drop,
        "finding": {
            "stage": lost.stage if lost else None,
            "device": _device(lost) if lost else None,
            "by_chance": report.finding.by_chance,
            "sentence": report.finding.sentence,
        },
        "stages": [_stage_data(one) for one in report.stages],
    }


def _stage_data(report: StageReport) -> dict[str, Any]:
    row, measured = report.row, report.row.evaluation
    return {
        "stage": row.stage,
        "title": row.title,
        "device": _device(row),
        "evaluation": measured.pk,
        "engine": measured.engine,
        "images": measured.images,
        "value": measured.value,
        "interval": row.interval,
        "parity": row.parity,
        "changed": [_changed_data(picture) for picture in report.changed],
    }


def _changed_data(picture: Picture) -> dict[str, Any]:
    shown = picture.shown
    return {
        "image": picture.number,
        **{name: getattr(shown, name) for name in ("truth", "before", "after", "right", "gain", "drift")},
    }


def _device(row: StageResult) -> str | None:
    return row.deployment.device.name if row.deployment else None
