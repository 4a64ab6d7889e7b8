"""Estimates for a training with a preset: minutes, size and cycles, from earlier measurements.

Earlier jobs of any team on this portal with the same recipe and input size take precedence over the figures
in the recipe's file. If only other sizes were measured, time and cycles are scaled from the nearest one in
proportion to the pixels; the file size is about the same. A recipe that was never measured has no estimate.
"""

from __future__ import annotations

import math
import statistics
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from portal.core import configs
from portal.datasets.models import DatasetVersion
from portal.jobs.models import Status
from portal.models import costs
from portal.models.models import CompiledModel, Model, Origin

START_SECONDS = 15.0  # of a training, until its first step: PaddleX is imported once
LATELY = 200  # recent models to consider
LEAST_SHARE = 0.2  # of a training's time is spent on its images, however short it is
ENOUGH = 5  # measurements of a recipe and input size, for the median
Size = tuple[int, ...]  # of the input: width, height
Key = tuple[str, Size]  # recipe, input size
# Others are not what a recipe trains: fewer channels, or a teacher and fake quantization in every step.
PLAIN = (Origin.TRAINED, Origin.CONTINUED)


@dataclass(frozen=True)
class Estimate:
    """None if unknown. ``seconds`` are those of the training and one conversion.

    ``scaled``: some figures were measured only at another input size.
    """

    seconds: float | None
    cycles: int | None
    rknn_bytes: float | None
    chip: str
    memory_bytes: float | None = None  # of weights and feature maps, at the nearest measured size
    scaled: bool = False
    ms: float | None = None  # of an image, by the cycles and the chip's clock


class Estimates:
    """Loaded once per page, with two queries; size and cycles are for ``chip``."""

    def __init__(self, chip: str):
        self.chip = chip
        self._rates, self._builds = _rates(), _builds(chip)

    def of(self, recipe: str, params: dict[str, Any], version: DatasetVersion | None) -> Estimate:
        """``params`` hold ``input_size`` and ``epochs``; without a version, there is no time estimate."""
        size = tuple(params["input_size"])
        build, growth = _nearest(self._of_file(recipe) | _of_recipe(self._builds, recipe), size)
        rate, slower = _nearest(_of_recipe(self._rates, recipe), size)
        build, seconds = build or {}, None
        if rate is not None and version is not None and version.is_ready:
            trained = version.train_images * params["epochs"]
            seconds = START_SECONDS + rate * slower * trained + build.get("seconds", 0.0)
        cycles = build.get("cycles")
        return Estimate(
            seconds=seconds,
            cycles=cycles and round(cycles * growth),
            rknn_bytes=build.get("bytes"),
            chip=self.chip,
            memory_bytes=build.get("memory"),
            ms=costs.milliseconds(cycles * growth, configs.chips().get(self.chip)) if cycles else None,
            scaled=(cycles is not None and growth != 1) or (seconds is not None and slower != 1),
        )

    def seconds_an_image(self, recipe: str, size: Size) -> float | None:
        """The training time of one image in one epoch, as measured on this portal; None if it never was."""
        rate, slower = _nearest(_of_recipe(self._rates, recipe), tuple(size))
        return None if rate is None else rate * slower

    def _of_file(self, recipe: str) -> dict[Size, dict[str, float]]:
        """The figures for the chip in the recipe's file, by input size."""
        book = configs.recipes()[recipe]
        told = [(tuple(book.input_size), book.chips.get(self.chip))]
        told += [(tuple(cost.input_size), cost) for cost in book.costs if cost.chip == self.chip]
        return {
            size: {
                "cycles": one.cycles,
                "bytes": one.rknn_megabytes * 1e6,
                "seconds": one.build_seconds,
                **_memory_of(one),
            }
            for size, one in told
            if one and one.cycles and one.rknn_megabytes and one.build_seconds
        }


def _memory_of(cost: configs.Cost | configs.Measured) -> dict[str, float]:
    megabytes = getattr(cost, "memory_megabytes", None)
    return {"memory": megabytes * 2**20} if megabytes else {}


def _of_recipe(measured: dict[Key, Any], recipe: str) -> dict[Size, Any]:
    return {size: value for (name, size), value in measured.items() if name == recipe and size}


def _nearest(known: dict[Size, Any], size: Size) -> tuple[Any, float]:
    """The figures at this input size or the nearest one, and the ratio of pixels to that size.

    None and 1 if there are no figures.
    """
    if not known:
        return None, 1.0
    times = {at: math.prod(size) / math.prod(at) for at in known}
    nearest = min(known, key=lambda at: abs(math.log(times[at])))
    return known[nearest], times[nearest]


def _key(recipe: str, params: dict[str, Any]) -> Key:
    return recipe, tuple(params.get("input_size", ()))


def _rates() -> dict[Key, float]:
    """Seconds per image and epoch, without the start."""
    columns = ("recipe", "params", "dataset_version__train_images", "job__started_at", "job__finished_at")
    rows = Model.objects.filter(job__status=Status.SUCCEEDED, origin__in=PLAIN).order_by("-pk")
    found: dict[Key, list[float]] = defaultdict(list)
    for recipe, params, images, started, finished in rows.values_list(*columns)[:LATELY]:
        work = images * params.get("epochs", 0)
        if work and started and finished:
            seconds = (finished - started).total_seconds()
            found[_key(recipe, params)].append(max(seconds - START_SECONDS, LEAST_SHARE * seconds) / work)
    return {key: _median(values) for key, values in found.items()}


def _builds(chip: str) -> dict[Key, dict[str, float]]:
    """Seconds, bytes, cycles and memory of conversions for the chip."""
    cost = ("facts__cost__cycles", "facts__cost__weight_bytes", "facts__cost__feature_bytes")
    columns = ("model__recipe", "model__params", "facts__rknn_bytes", *cost)
    rows = (
        CompiledModel.objects.ready().filter(chip=chip).exclude(model__origin=Origin.PRUNED).order_by("-pk")
    )
    found: dict[Key, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for recipe, params, size, cycles, weights, features, started, finished in rows.values_list(
        *columns, "job__started_at", "job__finished_at"
    )[:LATELY]:
        seconds = (finished - started).total_seconds() if started and finished else None
        memory = (weights or 0) + (features or 0)
        for name, value in (("seconds", seconds), ("bytes", size), ("cycles", cycles), ("memory", memory)):
            if value:
                found[_key(recipe, params)][name].append(value)
    return {key: {name: _median(values) for name, values in kinds.items()} for key, kinds in found.items()}


def _median(values: Iterable[float]) -> float:
    """The median of the newest values, which come first."""
    return statistics.median(list(values)[:ENOUGH])
