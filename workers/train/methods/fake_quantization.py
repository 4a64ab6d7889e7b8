"""Quantization-aware training: a network simulates int8, but remains a plain float network.

The tensors that the RKNN toolkit quantizes are rounded in the forward pass, at the inputs of convolutions and
linear layers, since the toolkit fuses a convolution with the normalisation and activation that follow:

- weights symmetrically per output channel, which folding the normalisation into them does not change;
- activations asymmetrically per tensor, in a range that includes 0: the moving average over the batches,
  frozen in the last epoch.

Gradients pass through the rounding unchanged. No parameters are added to the network, so the exported float
network is calibrated and converted like any other.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import paddle
from paddle.nn import Conv2D, Linear

MOMENTUM = 0.95
LEVELS = 255
HALF = 127
TINY = 1e-12
# The axis of a weight's output channels.
CHANNELS = {Conv2D: 0, Linear: 1}


class Range:
    """The smallest and the largest value of a tensor, including 0."""

    def __init__(self) -> None:
        self.low = self.high = None

    def observe(self, x: paddle.Tensor) -> None:
        low, high = paddle.clip(x.min(), max=0.0), paddle.clip(x.max(), min=0.0)
        if self.low is not None:
            low = MOMENTUM * self.low + (1 - MOMENTUM) * low
            high = MOMENTUM * self.high + (1 - MOMENTUM) * high
        self.low, self.high = low, high

    def quantize(self, x: paddle.Tensor) -> paddle.Tensor:
        """Return ``x`` rounded to 256 even steps over the range."""
        scale = paddle.clip((self.high - self.low) / LEVELS, min=TINY)
        zero = paddle.round(-self.low / scale)
        return (paddle.clip(paddle.round(x / scale) + zero, 0, LEVELS) - zero) * scale


class FakeQuantization:
    """Rounds the inputs of every convolution and linear layer of a network, in training and in evaluation."""

    def __init__(self, network: paddle.nn.Layer):
        self.frozen = False
        for layer in network.sublayers(include_self=True):
            if type(layer) in CHANNELS:
                layer.forward = self._over(layer, type(layer), Range())

    def _over(self, layer: paddle.nn.Layer, kind: type, found: Range) -> Callable[[Any], Any]:
        def forward(x: Any) -> Any:
            if found.low is None or (layer.training and not self.frozen):
                found.observe(x.detach())
            weight = layer._parameters["weight"]
            # The layer's own forward, possibly one of the kernels, uses the rounded weight instead.
            layer._parameters["weight"] = _straight(weight, quantize_weight(weight.detach(), CHANNELS[kind]))
            try:
                return kind.forward(layer, _straight(x, found.quantize(x.detach())))
            finally:
                layer._parameters["weight"] = weight

        return forward


def quantize_weight(weight: paddle.Tensor, axis: int) -> paddle.Tensor:
    """Return the weight rounded to 255 even steps around 0, for each channel of ``axis``."""
    others = [other for other in range(weight.ndim) if other != axis]
    scale = paddle.clip(weight.abs().max(axis=others, keepdim=True) / HALF, min=TINY)
    return paddle.round(weight / scale) * scale


def _straight(x: paddle.Tensor, rounded: paddle.Tensor) -> paddle.Tensor:
    """Return ``rounded`` with the gradient of ``x``."""
    return x + (rounded - x).detach()
