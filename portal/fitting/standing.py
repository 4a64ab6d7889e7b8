"""What is known about a search's candidates, loaded in a fixed number of queries. Read-only."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

from portal import tasks
from portal.core import configs
from portal.fitting.goals import cycles_limit
from portal.fitting.models import Candidate, FitSearch, Trial
from portal.models import costs
from portal.models.models import CompiledModel, Evaluation
from portal.runs.models import Run
from portal.tasks import Stage

NOISE = 0.005  # of the metric: trainings with different seeds differ as much


@dataclass
class Entry:
    """A candidate with its trials and the measurements of the newest one that has any.

    ``value`` is the metric of the compiled model in use, ``trained`` that of the trained one; ``values`` has
    the former of each round.
    """

    candidate: Candidate
    trials: list[Trial] = field(default_factory=list)
    trial: Trial | None = None  # the measured one
    compiled: CompiledModel | None = None
    value: float | None = None
    values: dict[int, float] = field(default_factory=dict)
    trained: float | None = None
    metrics: dict = field(default_factory=dict)
    keeps_cost: bool = True  # to the limits of cycles, time and memory
    keeps_accuracy: bool = True
    ms: float | None = None

    @property
    def newest(self) -> Trial | None:
        return self.trials[-1] if self.trials else None

    @property
    def is_measured(self) -> bool:
        return self.value is not None

    @property
    def keeps(self) -> bool:
        return self.is_measured and self.keeps_cost and self.keeps_accuracy

    @property
    def cycles(self) -> int | None:
        return self.compiled.cost.get("cycles") if self.compiled else None

    @property
    def memory(self) -> int | None:
        cost = self.compiled.cost if self.compiled else {}
        return (cost.get("weight_bytes") or 0) + (cost.get("feature_bytes") or 0) or None

    @property
    def size(self) -> int | None:
        return self.compiled.facts.get("rknn_bytes") if self.compiled else None

    @property
    def epochs(self) -> int:
        """Of all rounds up to the measured one, or of all that were started if none was measured."""
        last = self.trial or self.newest
        return sum(trial.epochs for trial in self.trials if last and trial.number <= last.number)

    @property
    def is_active(self) -> bool:
        run = self.newest.run if self.newest else None
        return run is not None and run.is_active

    def at(self, number: int) -> Trial | None:
        """Its trial of a round."""
        return next((trial for trial in self.trials if trial.number == number), None)

    def is_active_at(self, number: int) -> bool:
        trial = self.at(number)
        return trial is not None and trial.run is not None and trial.run.is_active


class Standing:
    def __init__(self, search: FitSearch):
        self.search = search

    @cached_property
    def factor(self) -> float | None:
        """How much longer the team's boards take than the cycles say."""
        return costs.board_factor(self.search.team, self.search.chip)

    @cached_property
    def entries(self) -> list[Entry]:
        rows = self.search.candidates.prefetch_related("trials__run")
        entries = [Entry(row, list(row.trials.all())) for row in rows]
        models = _models_of([trial.run for one in entries for trial in one.trials if trial.run])
        for one in entries:
            self._measure(one, models)
        return entries

    def _measure(self, entry: Entry, models: dict[int, _Measured]) -> None:
        for trial in entry.trials:
            found = models.get(trial.run_id)
            if found is not None and found.value is not None:
                entry.trial, entry.compiled, entry.metrics = trial, found.compiled, found.metrics
                entry.value, entry.trained = found.value, found.trained
                entry.values[trial.number] = found.value
        limits, search = self.search.limits, self.search
        most = cycles_limit(limits, search.chip, self.factor)
        told = costs.milliseconds(entry.cycles or 0, configs.chips().get(search.chip))
        entry.ms = told * (self.factor or 1) if told else None
        memory = limits.get("memory")
        entry.keeps_cost = _under(entry.cycles, most) and _under(entry.memory, memory)
        least = limits.get("accuracy")
        entry.keeps_accuracy = least is None or (entry.value or 0) >= least - 1e-9

    @cached_property
    def number(self) -> int:
        """The current round, in which not every candidate is decided on; -1 before the first.

        Some candidates may have begun the next one ahead of it.
        """
        begun = [one for one in self.entries if one.newest]
        staying = [one for one in begun if not one.candidate.left_out] or begun
        return min((one.newest.number for one in staying), default=-1)

    @property
    def of_round(self) -> list[Entry]:
        return [one for one in self.entries if one.at(self.number) and not one.candidate.left_out]

    @property
    def is_unfinished(self) -> bool:
        """Whether something of the current round trains, or waits for room in the queue."""
        of_round = self.of_round
        return any(one.newest.run_id is None or one.is_active_at(self.number) for one in of_round)

    @property
    def ahead(self) -> list[Entry]:
        """Those that have begun the next round."""
        return [one for one in self.of_round if one.newest.number > self.number]

    @property
    def measured_now(self) -> list[Entry]:
        """Those of the current round that it measured."""
        return [one for one in self.of_round if self.number in one.values]

    @property
    def measured(self) -> list[Entry]:
        return [one for one in self.entries if one.is_measured]

    @property
    def runs(self) -> list[Run]:
        return [trial.run for one in self.entries for trial in one.trials if trial.run]

    @property
    def ranked_now(self) -> list[Entry]:
        """Those of ``measured_now`` that keep to the costs, by the accuracy of this round, the best first.

        Of equal ones, the cheapest comes first.
        """
        keeping = [one for one in self.measured_now if one.keeps_cost]
        return sorted(keeping, key=lambda one: (-one.values[self.number], one.cycles or 0))

    @cached_property
    def best(self) -> Entry | None:
        """The cheapest of those that keep to all limits and are as accurate as the best of them.

        Differences within the noise of few images do not count. None if nothing keeps to the limits.
        """
        keeping = [one for one in self.measured if one.keeps]
        if not keeping:
            return None
        top = max(keeping, key=lambda one: one.value)
        margin = max(NOISE, self._uncertainty(top))
        equal = [one for one in keeping if one.value >= top.value - margin and one.epochs >= top.epochs]
        return min(equal, key=lambda one: (one.cycles or 0, -one.value))

    def _uncertainty(self, entry: Entry) -> float:
        """About one standard error of the metric."""
        interval = tasks.get(self.search.task).interval(entry.metrics)
        return (interval[1] - interval[0]) / 4 if interval else 0.0

    @cached_property
    def nearest(self) -> Entry | None:
        """The one whose worst excess of a limit is the smallest share of it."""
        return min(self.measured, key=lambda one: (self._excess(one), -one.value), default=None)

    def _excess(self, entry: Entry) -> float:
        limits = self.search.limits
        most, memory = cycles_limit(limits, self.search.chip, self.factor), limits.get("memory")
        over = [
            entry.cycles / most - 1 if most and entry.cycles else 0.0,
            entry.memory / memory - 1 if memory and entry.memory else 0.0,
            # A tenth of the metric weighs as much as the whole of a cost.
            10 * ((limits.get("accuracy") or 0.0) - entry.value),
        ]
        return max(0.0, *over)


def _under(value: float | None, most: float | None) -> bool:
    return most is None or value is None or value <= most


@dataclass
class _Measured:
    compiled: CompiledModel
    value: float | None = None
    trained: float | None = None
    metrics: dict = field(default_factory=dict)


def _models_of(runs: list[Run]) -> dict[int, _Measured]:
    """The compiled model in use of each run that has one, with its measurements."""
    usable = [run.pk for run in runs if run.deleted_at is None]
    rows = CompiledModel.objects.ready().filter(model__job__step__run__in=usable, chosen=True)
    found = {
        row.model.job.step.run_id: _Measured(row) for row in rows.select_related("model__job__step", "job")
    }
    values: dict[tuple, Evaluation] = {}
    wanted = [one.compiled.model_id for one in found.values()]
    stages = (Stage.PADDLE, Stage.SIMULATOR)
    for row in Evaluation.objects.filter(model__in=wanted, stage__in=stages).order_by("pk"):
        values[row.stage, row.model_id if row.stage == Stage.PADDLE else row.compiled_model_id] = row
    for one in found.values():
        simulated = values.get((Stage.SIMULATOR, one.compiled.pk))
        paddle = values.get((Stage.PADDLE, one.compiled.model_id))
        one.trained = paddle.value if paddle else None
        if simulated is not None:
            one.value, one.metrics = simulated.value, simulated.metrics
    return found
