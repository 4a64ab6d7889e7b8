"""Estimates for a training with a preset: minutes, size and cycles, from earlier measurements.

Earlier jobs of this portal with the same recipe and input size come first, of any team; then the figures in
the recipe's file. What was never measured is not estimated.
"""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from portal.core import configs
from portal.datasets.models import DatasetVersion
from portal.jobs.models import Status
from portal.models.models import CompiledModel, Model

LATELY = 200  # recent models to consider
ENOUGH = 5  # of a recipe and input size, for the median
Key = tuple[str, tuple[int, ...]]  # recipe, input size


@dataclass(frozen=True)
class Estimate:
    """None if unknown. ``seconds`` are those of the training and one conversion."""

    seconds: float | None
    cycles: int | None
    rknn_bytes: float | None
    chip: str


class Estimates:
    """Loaded once per page, with two queries; size and cycles are for ``chip``."""

    def __init__(self, chip: str):
        self.chip = chip
        self._rates, self._builds = _rates(), _builds(chip)

    def of(self, recipe: str, params: dict[str, Any], version: DatasetVersion | None) -> Estimate:
        """``params`` hold ``input_size`` and ``epochs``; without a version, there is no time estimate."""
        key = recipe, tuple(params["input_size"])
        build, book = self._builds.get(key, {}), self._of_file(recipe, params)
        rate = self._rates.get(key)
        seconds = None
        if rate is not None and version is not None and version.is_ready:
            seconds = rate * version.train_images * params["epochs"] + build.get("seconds", 0.0)
        megabytes = book and book.rknn_megabytes
        return Estimate(
            seconds=seconds,
            cycles=build.get("cycles") or (book and book.cycles),
            rknn_bytes=build.get("bytes") or (megabytes and megabytes * 1e6),
            chip=self.chip,
        )

    def _of_file(self, recipe: str, params: dict[str, Any]) -> configs.Measured | configs.Cost | None:
        book, size = configs.recipes()[recipe], tuple(params["input_size"])
        costs = (cost for cost in book.costs if (cost.chip, cost.input_size) == (self.chip, size))
        own = book.chips.get(self.chip) if size == tuple(book.input_size) else None
        return next(costs, own)


def _key(recipe: str, params: dict[str, Any]) -> Key:
    return recipe, tuple(params.get("input_size", ()))


def _rates() -> dict[Key, float]:
    """Seconds per image and epoch."""
    columns = ("recipe", "params", "dataset_version__train_images", "job__started_at", "job__finished_at")
    rows = Model.objects.filter(job__status=Status.SUCCEEDED).order_by("-pk").values_list(*columns)
    found: dict[Key, list[float]] = defaultdict(list)
    for recipe, params, images, started, finished in rows[:LATELY]:
        work = images * params.get("epochs", 0)
        if work and started and finished:
            found[_key(recipe, params)].append((finished - started).total_seconds() / work)
    return {key: _median(values) for key, values in found.items()}


def _builds(chip: str) -> dict[Key, dict[str, float]]:
    """Seconds, bytes and cycles of conversions for the chip."""
    columns = ("model__recipe", "model__params", "facts__rknn_bytes", "facts__cost__cycles")
    rows = CompiledModel.objects.ready().filter(chip=chip).order_by("-pk")
    found: dict[Key, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for recipe, params, size, cycles, started, finished in rows.values_list(
        *columns, "job__started_at", "job__finished_at"
    )[:LATELY]:
        seconds = (finished - started).total_seconds() if started and finished else None
        for name, value in (("seconds", seconds), ("bytes", size), ("cycles", cycles)):
            if value:
                found[_key(recipe, params)][name].append(value)
    return {key: {name: _median(values) for name, values in kinds.items()} for key, kinds in found.items()}


def _median(values: Iterable[float]) -> float:
    """The median of the newest ones, which come first."""
    return statistics.median(list(values)[:ENOUGH])
