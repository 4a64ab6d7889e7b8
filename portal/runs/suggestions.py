"""Suggestions for a new run: a trainable dataset, a fitting preset, the only device."""

from __future__ import annotations

import math
from collections.abc import Iterable

from portal.core import configs
from portal.datasets.models import DatasetVersion
from portal.devices.models import Device
from portal.runs import plan
from portal.runs.estimates import Estimates

# Larger images are scaled down anyway: a network for more pixels is a person's own choice.
LARGEST_SIDE = 160
PATIENCE = 2 * 3600  # maximum training time of a suggested preset


def newest_trainable(versions: Iterable[DatasetVersion]) -> DatasetVersion | None:
    """The first of ``versions``, newest first, that can be trained on."""
    return next((one for one in versions if one.is_ready and not one.is_blocked), None)


def only_device(devices: Iterable[Device]) -> Device | None:
    """The team's device, if it has exactly one whose profile still exists."""
    known = [device for device in devices if device.profile in configs.boards()]
    return known[0] if len(known) == 1 else None


def usual_chip(devices: Iterable[Device]) -> str:
    """The chip of the team's only device; otherwise that of the first board profile."""
    device, boards = only_device(devices), configs.boards()
    return (boards[device.profile] if device else next(iter(boards.values()))).chip


def presets_for(version: DatasetVersion | None) -> list[str]:
    """The presets for the version's labels; all of them while these are unknown."""
    if version is None or not version.is_ready:
        return list(configs.presets())
    recipes = configs.recipes()
    fitting = [name for name, book in configs.presets().items() if recipes[book.recipe].task == version.task]
    return fitting or list(configs.presets())


def fitting_preset(version: DatasetVersion | None, estimates: Estimates) -> str:
    """The preset with the input size nearest to the images' and an acceptable training time.

    Without a ready version, the usual one.
    """
    side = _median_side(version) if version is not None and version.is_ready else None
    if side is None:
        return plan.usual_preset(version)
    names = sorted(presets_for(version), key=lambda name: _distance(name, side))
    return next((name for name in names if _is_quick(name, version, estimates)), names[0])


def _distance(preset: str, side: float) -> float:
    return abs(math.log2(max(configs.presets()[preset].input_size) / side))


def _is_quick(preset: str, version: DatasetVersion, estimates: Estimates) -> bool:
    estimate = estimates.of(configs.presets()[preset].recipe, plan.defaults(preset, version=version), version)
    return estimate.seconds is None or estimate.seconds <= PATIENCE


def _median_side(version: DatasetVersion) -> float | None:
    """The median long side of the images, by the version's histogram; LARGEST_SIDE at most."""
    histogram = version.statistics.get("long_side") or {}
    counts, edges = histogram.get("counts", []), histogram.get("edges", [])
    left = sum(counts) / 2
    for count, edge in zip(counts, edges, strict=False):
        left -= count
        if count and left <= 0:
            return min(max(edge, 1), LARGEST_SIDE)
    return None
