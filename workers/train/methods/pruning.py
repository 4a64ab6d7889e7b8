"""Pruning: removes whole channels of a trained network until its convolutions cost a given fraction.

Every group keeps the same fraction of its channels, rounded to a multiple of what the NPU processes at once:
the most important ones.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import paddle
from paddle.nn import Layer

from workers.train.methods.channels import groups_of, keep, put, update_sizes
from workers.train.methods.costs import CYCLES, costs_of, total
from workers.train.methods.importance import Ranking

ALIGNMENT, WIDE = 16, 64  # groups with more channels keep a multiple of twice the alignment
STEPS = 40  # of bisection


class TooSmall(Exception):
    """A network cannot be made that small; the argument is the smallest possible fraction of its cost."""


def prune(
    network: Layer,
    shape: list[int],
    share: float,
    ranking: Ranking,
    unit: str = CYCLES,
    probed: list[int] | None = None,
) -> None:
    """Prune a network so that its convolutions cost ``share`` of what they do, or a little less.

    ``shape`` is the shape of one image, ``probed`` a smaller one on which the groups are found, if that is
    enough. Raises TooSmall, Entangled.
    """
    groups, costs = groups_of(network, probed or shape), costs_of(network, shape)

    def cost(ratio: float) -> float:
        return total(costs, unit, [(group, kept_channels(group.size, ratio)) for group in groups])

    whole = total(costs, unit)
    if (least := cost(0.0)) > share * whole:
        raise TooSmall(least / whole)
    ratio = _bisect(cost, share * whole)
    keep([(group, _most_important(ranking(group), ratio)) for group in groups])


def _most_important(scores: paddle.Tensor, ratio: float) -> list[int]:
    count = kept_channels(len(scores), ratio)
    return sorted(scores.argsort(descending=True)[:count].tolist())


def kept_channels(size: int, ratio: float) -> int:
    """Return how many of ``size`` channels to keep: a multiple of what the NPU processes at once."""
    unit = ALIGNMENT if size <= WIDE else 2 * ALIGNMENT
    return size if size <= unit else min(size, max(1, math.floor(size * ratio / unit)) * unit)


def resize(network: Layer, weights: dict[str, Any]) -> None:
    """Resize a recipe's network to pruned ``weights``, which are loaded afterwards."""
    for prefix, layer in network.named_sublayers():
        for name in (*layer._parameters, *layer._buffers):
            wanted = weights.get(f"{prefix}.{name}")
            own = getattr(layer, name, None)
            if wanted is not None and own is not None and list(wanted.shape) != list(own.shape):
                put(layer, name, paddle.to_tensor(wanted))
        update_sizes(layer)


def _bisect(cost: Callable[[float], float], limit: float) -> float:
    """Return the largest ratio whose cost is within the limit."""
    low, high = 0.0, 1.0
    for _ in range(STEPS):
        middle = (low + high) / 2
        low, high = (middle, high) if cost(middle) <= limit else (low, middle)
    return low
