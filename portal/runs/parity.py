"""Parity of a run: all stages on the same images, from the trained model to the boards."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from portal.core import configs
from portal.core.messages import word
from portal.deployment.models import Deployment
from portal.models.models import CompiledModel, Evaluation
from portal.runs.graph import Graph
from portal.tasks import Stage, Task
from workers.contract.messages import Message, msg
from workers.datakit.scoring.intervals import chance_of

CHANCE = 0.05  # a change this likely by chance is not significant
UNSEEN = 0.01  # of the metric, which scores alone may cost although no more images became worse than better
FEWEST = 6  # images that got worse, with none better: the fewest that are significant


@dataclass(frozen=True)
class StageResult:
    """One stage of a branch: its evaluation, and its loss against the previous stage."""

    task: Task
    evaluation: Evaluation
    compiled: CompiledModel | None = None
    deployment: Deployment | None = None

    @property
    def stage(self) -> Stage:
        return Stage(self.evaluation.stage)

    @property
    def title(self) -> Message:
        """The stage as the subject of a sentence."""
        if self.deployment is not None:
            return msg("The board {device}", device=self.deployment.device.name)
        if self.stage != Stage.SIMULATOR:
            return word(self.stage.label)
        return self.compiled.title

    @property
    def parity(self) -> dict:
        return self.evaluation.parity

    @property
    def interval(self) -> tuple[float, float] | None:
        return self.task.interval(self.evaluation.metrics)

    @property
    def drop(self) -> float:
        """Of the task's metric against the previous stage, 0 if nothing was compared."""
        return self.parity.get("drop") or 0.0

    @property
    def by_chance(self) -> bool:
        """Whether the change may be due to chance; False if unknown."""
        if "lost" not in self.parity:
            return False
        lost, gained = self.parity["lost"], self.parity["gained"]
        if lost <= gained:  # of a detector, whose metric counts more than the boxes that are shown
            return self.drop <= UNSEEN
        return chance_of(lost, gained) > CHANCE

    @property
    def changed_none(self) -> bool:
        """Whether no image became worse or better.

        A detector's metric depends on the scores of all boxes, those that are not shown too.
        """
        return not self.parity.get("lost") and not self.parity.get("gained")


@dataclass(frozen=True)
class Branch:
    """A compiled model: its predecessors, itself, and the boards that run it."""

    task: Task
    compiled: CompiledModel
    rows: tuple[StageResult, ...]

    @property
    def title(self) -> Message:
        return configs.title(configs.chips(), self.compiled.chip)

    @cached_property
    def compiled_row(self) -> StageResult | None:
        return next((row for row in self.rows if row.stage == Stage.SIMULATOR), None)

    @property
    def boards(self) -> list[StageResult]:
        return [row for row in self.rows if row.deployment is not None]

    @property
    def drop(self) -> float:
        """From the trained model to the compiled one."""
        return sum(row.drop for row in self.rows if row.deployment is None)

    @property
    def worst(self) -> StageResult | None:
        """The stage with the largest loss, first of those that are no chance; None if none lost anything."""
        lossy = [row for row in self.rows if row.drop > 0]
        return max(lossy, key=lambda row: (not row.by_chance, row.drop), default=None)

    @property
    def classes(self) -> list[dict]:
        """For each class ``{"id", "name", "pairs"}``, a value and an agreement for each row; the largest
        loss first.
        """
        known = [{one["id"]: one for one in row.evaluation.metrics.get("per_class", [])} for row in self.rows]
        compared = [{one["id"]: one for one in row.parity.get("classes", [])} for row in self.rows]
        found = [
            {
                "id": number,
                "name": one["name"],
                "pairs": [
                    (own.get(number, {}).get(self.task.class_metric), other.get(number, {}).get("agreement"))
                    for own, other in zip(known, compared, strict=True)
                ],
            }
            for number, one in (known[0] if known else {}).items()
        ]
        return sorted(found, key=_loss, reverse=True)


def _loss(row: dict) -> float:
    values = [value for value, _ in row["pairs"] if value is not None]
    return values[0] - min(values) if values else 0.0


def branches(graph: Graph) -> list[Branch]:
    """One for each measured compiled model."""
    trained = graph.evaluated.find(Stage.PADDLE)
    found = []
    for compiled in graph.compiled:
        rows = [StageResult(graph.task, trained)] if trained else []
        for stage in (Stage.ONNX, Stage.SIMULATOR):
            measured = graph.evaluated.find(stage, compiled.pk)
            rows += [StageResult(graph.task, measured, compiled)] if measured else []
        rows += _on_boards(graph, compiled)
        if any(row.compiled for row in rows):
            found.append(Branch(graph.task, compiled, tuple(rows)))
    return found


def _on_boards(graph: Graph, compiled: CompiledModel) -> list[StageResult]:
    rows = [row for row in graph.deployments if row.compiled_model_id == compiled.pk]
    measured = [(row, graph.evaluated.find(Stage.BOARD, job_id=row.job_id)) for row in rows]
    return [StageResult(graph.task, one, compiled, row) for row, one in measured if one is not None]
