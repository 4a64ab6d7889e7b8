"""What a network's convolutions cost: multiply-accumulates, or cycles of an NPU such as the RV1106's.

The NPU processes 32 input and 16 output channels at once, 32 of a depthwise convolution: a partly filled unit
costs as much as a full one. A convolution takes as long as computing or as moving its weights and features,
whichever is longer. The constants are fitted to rknn-toolkit2's operator tables of 364 convolutions on rv1106
(16 to 512 channels, 4×4 to 64×64 pixels); the median of estimate over table is 1.00.
"""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass

import paddle
from paddle.nn import Conv2D, Layer

from workers.train.methods.channels import Group, is_dense

MACS, CYCLES = "macs", "cycles"
PRODUCTS, BYTES = 512, 6.11  # per cycle
UNIT = 32  # channels
LEAST_PIXELS = 16  # computed even for fewer
IMAGE = 4  # channels at most


@dataclass(frozen=True)
class Cost:
    """The cost of one convolution of one image, dense or depthwise."""

    layer: Conv2D
    pixels_in: int
    pixels_out: int

    def of(self, unit: str, into: int, out: int) -> float:
        """Return the cost with ``into`` input and ``out`` output channels."""
        return self._cycles(into, out) if unit == CYCLES else self._weights(into, out) * self.pixels_out

    def _weights(self, into: int, out: int) -> int:
        return math.prod(self.layer._kernel_size) * (into * out if is_dense(self.layer) else out)

    def _cycles(self, into: int, out: int) -> float:
        computing = math.prod(self.layer._kernel_size) * max(LEAST_PIXELS, self.pixels_out)
        if is_dense(self.layer):
            computing *= UNIT * math.ceil(into / UNIT) * 16 * math.ceil(out / 16) / PRODUCTS
        else:
            computing *= math.ceil(out / UNIT)
        features = self.pixels_in * _stored(into) + self.pixels_out * _stored(out)
        return max(computing, (self._weights(into, out) + features) / BYTES)


def _stored(channels: int) -> int:
    """How many channels moving them costs: a unit that is at most half full costs three quarters.

    The image itself is not padded.
    """
    if channels <= IMAGE:
        return channels
    full, rest = divmod(channels, UNIT)
    return UNIT * full + (0, 24, UNIT)[math.ceil(rest / 16)]


def costs_of(network: Layer, shape: list[int]) -> list[Cost]:
    """Return the cost of each convolution for one image of this shape."""
    found: list[Cost] = []

    def note(layer: Conv2D, inputs: tuple, output: paddle.Tensor) -> None:
        pixels = (math.prod(tensor.shape[2:]) for tensor in (inputs[0], output))
        found.append(Cost(layer, *pixels))

    layers = [layer for layer in network.sublayers() if isinstance(layer, Conv2D)]
    hooks = [layer.register_forward_post_hook(note) for layer in layers]
    network.eval()
    with paddle.no_grad():
        network(paddle.zeros([1, *shape]))
    for hook in hooks:
        hook.remove()
    return found


def total(costs: list[Cost], unit: str, kept: list[tuple[Group, int]] = ()) -> float:
    """Return the cost of all convolutions if each group keeps that many of its channels."""
    fewer_in: dict[Layer, int] = defaultdict(int)
    fewer_out: dict[Layer, int] = defaultdict(int)
    for group, count in kept:
        for layer in group.producers:
            fewer_out[layer] = group.size - count
        for span in group.spans:
            fewer_in[span.layer] += group.size - count
    cost = 0.0
    for one in costs:
        into, out = one.layer._in_channels - fewer_in[one.layer], one.layer._out_channels
        out -= (fewer_out if is_dense(one.layer) else fewer_in)[one.layer]
        cost += one.of(unit, into, out)
    return cost
