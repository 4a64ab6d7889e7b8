"""Pruning: removes whole channels of a trained network until its convolutions cost a given fraction.

The cost is that on the NPU, which processes 32 input and 16 output channels at once: a partly filled unit
costs as much as a full one. So every group keeps the same fraction of its channels, rounded to a multiple of
16: the most important ones.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import paddle
from paddle.nn import Conv2D, Layer

from workers.train.methods.channels import Group, groups_of, is_dense, keep, put, update_sizes

ALIGNMENT = 16
STEPS = 40  # of bisection
PRODUCTS, BYTES = 512, 6  # per cycle


class TooSmall(Exception):
    """A network cannot be made that small; the argument is the smallest possible fraction of its cycles."""


@dataclass(frozen=True)
class Cost:
    """The cost of a dense convolution on an NPU such as the RV1106's, fitted to the compiler's tables.

    It is the longer of computing (512 products per cycle) and moving weights and features (about 6 bytes per
    cycle).
    """

    layer: Conv2D
    pixels_in: int
    pixels_out: int

    def cycles(self, into: int, out: int) -> float:
        taps = math.prod(self.layer._kernel_size)
        products = self.pixels_out * taps * _up(into, 32) * _up(out, 16)
        moved = taps * into * out + self.pixels_in * into + self.pixels_out * out
        return max(products / PRODUCTS, moved / BYTES)


def _up(count: int, unit: int) -> int:
    return unit * math.ceil(count / unit)


def prune(network: Layer, shape: list[int], share: float, importance: str) -> None:
    """Prune a network so that its dense convolutions take ``share`` of their cycles, or a little less.

    ``shape`` is the shape of one image. Raises TooSmall.
    """
    groups, costs = groups_of(network, shape), costs_of(network, shape)
    whole = cycles(costs, groups, 1.0)
    if (least := cycles(costs, groups, 0.0)) > share * whole:
        raise TooSmall(least / whole)
    ratio = _bisect(lambda ratio: cycles(costs, groups, ratio), share * whole)
    for group in groups:
        count = kept_channels(group.size, ratio)
        if count < group.size:
            ranked = IMPORTANCE[importance](group)
            keep(group, sorted(ranked.argsort(descending=True)[:count].tolist()))


def kept_channels(size: int, ratio: float) -> int:
    """Return how many of ``size`` channels to keep: a multiple of what the NPU processes at once."""
    return size if size <= ALIGNMENT else min(size, max(1, math.floor(size * ratio / ALIGNMENT)) * ALIGNMENT)


def resize(network: Layer, weights: dict[str, Any]) -> None:
    """Resize a recipe's network to pruned ``weights``, which are loaded afterwards."""
    for prefix, layer in network.named_sublayers():
        for name in (*layer._parameters, *layer._buffers):
            wanted = weights.get(f"{prefix}.{name}")
            own = getattr(layer, name, None)
            if wanted is not None and own is not None and list(wanted.shape) != list(own.shape):
                put(layer, name, paddle.to_tensor(wanted))
        update_sizes(layer)


def costs_of(network: Layer, shape: list[int]) -> list[Cost]:
    """Return the cost of each dense convolution for one image of this shape."""
    found: list[Cost] = []

    def note(layer: Conv2D, inputs: tuple, output: paddle.Tensor) -> None:
        pixels = (math.prod(tensor.shape[2:]) for tensor in (inputs[0], output))
        found.append(Cost(layer, *pixels))

    dense = [layer for layer in network.sublayers() if isinstance(layer, Conv2D) and is_dense(layer)]
    hooks = [layer.register_forward_post_hook(note) for layer in dense]
    with paddle.no_grad():
        network(paddle.zeros([1, *shape]))
    for hook in hooks:
        hook.remove()
    return found


def cycles(costs: list[Cost], groups: list[Group], ratio: float) -> float:
    """Return the total cycles of the dense convolutions if each group keeps ``ratio`` of its channels."""
    made = {id(layer): group.size for group in groups for layer in group.producers}
    read = {id(layer): group.size for group in groups for layer in group.readers}
    total = 0.0
    for cost in costs:
        out, into = cost.layer.weight.shape[:2]
        total += cost.cycles(
            kept_channels(read[id(cost.layer)], ratio) if id(cost.layer) in read else into,
            kept_channels(made[id(cost.layer)], ratio) if id(cost.layer) in made else out,
        )
    return total


def _bisect(cost: Any, limit: float) -> float:
    """Return the largest ratio whose cost is within the limit."""
    low, high = 0.0, 1.0
    for _ in range(STEPS):
        middle = (low + high) / 2
        low, high = (middle, high) if cost(middle) <= limit else (low, middle)
    return low


def _l1(group: Group) -> paddle.Tensor:
    """The sum of the absolute weights that produce each channel."""
    return sum(layer.weight.abs().reshape([group.size, -1]).sum(axis=1) for layer in group.producers)


def _fpgm(group: Group) -> paddle.Tensor:
    """The distance of each channel's weights from those of all others: similar channels are redundant.

    He et al., 2019, filter pruning via geometric median.
    """
    flat = paddle.concat([layer.weight.reshape([group.size, -1]) for layer in group.producers], axis=1)
    return paddle.cdist(flat, flat).sum(axis=1)


IMPORTANCE = {"l1": _l1, "fpgm": _fpgm}
