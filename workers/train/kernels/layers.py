"""Patches Paddle's layers to use the kernels, for float32 on a CPU; everything else goes to Paddle's own."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import paddle
from paddle.nn import BatchNorm, BatchNorm2D, Conv2D

from workers.train.kernels import memory
from workers.train.kernels.autograd import Dense, Depthwise, HardSwish, Normalisation
from workers.train.kernels.shapes import Shape

TOLERANCE = 1e-4
_PLACES = (
    (Conv2D, "forward"),
    (BatchNorm2D, "forward"),
    (BatchNorm, "forward"),
    (paddle.nn.functional, "hardswish"),
)
_OWN = [getattr(*place) for place in _PLACES]


def install() -> None:
    """Patch Paddle's layers.

    Raises any error that prevents the kernels from being built, and ArithmeticError if they compute other
    numbers.
    """
    ours = (_convolve, _normalise, _normalise, _hard_swish)
    expected = _sample()
    for (owner, name), own, function in zip(_PLACES, _OWN, ours, strict=True):
        setattr(owner, name, _over(own, function))
    try:
        for one, other in zip(expected, _sample(), strict=True):
            if not paddle.allclose(one, other, TOLERANCE, TOLERANCE):
                raise ArithmeticError(f"{one} {other}")
    except BaseException:
        remove()
        raise
    memory.retain()


def remove() -> None:
    """Restore Paddle's own layers."""
    for (owner, name), own in zip(_PLACES, _OWN, strict=True):
        setattr(owner, name, own)
    memory.release()


def _over(own: Callable, ours: Callable) -> Callable:
    @functools.wraps(own)
    def call(*arguments, **named):
        found = None if named else ours(*arguments)
        return own(*arguments, **named) if found is None else found

    return call


def _fits(x: Any) -> bool:
    """Whether the kernels can take a tensor. An exported network has none."""
    return (
        isinstance(x, paddle.Tensor) and paddle.in_dynamic_mode()
        and x.dtype == paddle.float32 and x.place.is_cpu_place() and x.is_contiguous()
    )  # fmt: skip


def _convolve(layer: Conv2D, x: Any) -> Any:
    if not _fits(x) or len(x.shape) != 4:
        return None
    shape = _shape(layer, layer._out_channels, *x.shape)
    if shape is None or layer.weight.stop_gradient:
        return None
    y = (Dense if layer._groups == 1 else Depthwise).apply(x, layer.weight, shape)
    return y if layer.bias is None else y + layer.bias.reshape([1, -1, 1, 1])


@functools.lru_cache(maxsize=4096)
def _shape(
    layer: Conv2D, out_channels: int, images: int, channels: int, height: int, width: int
) -> Shape | None:
    """Return the sizes of a convolution; None if no kernel can compute it.

    The number of output channels is an argument because pruning changes it.
    """
    depthwise = layer._groups == layer._in_channels == out_channels
    plain = layer._padding_mode == "zeros" and layer._padding_algorithm == "EXPLICIT"
    if not plain or layer._data_format != "NCHW" or channels != layer._in_channels:
        return None
    stride, pads, far = map(_pair, (layer._stride, layer._updated_padding, layer._dilation))
    if not (depthwise or layer._groups == 1) or pads is None or stride[0] != stride[1]:
        return None
    taps = layer._kernel_size
    out = [
        (size + 2 * pad - step * (count - 1) - 1) // stride[0] + 1
        for size, pad, step, count in zip((height, width), pads, far, taps, strict=True)
    ]
    if min(out) < 1:
        return None
    return Shape(images, channels, out_channels, height, width, *out, *taps, stride[0], *pads, *far)


def _pair(value: Any) -> tuple[int, int] | None:
    """Return a size for rows and columns; None for padding that differs between sides."""
    if isinstance(value, int):
        return value, value
    return tuple(value) if isinstance(value, list | tuple) and len(value) == 2 else None


def _normalise(layer: Any, x: Any) -> Any:
    if not layer.training or layer._use_global_stats or not _fits(x) or len(x.shape) != 4:
        return None
    layout = layer._data_layout if isinstance(layer, BatchNorm) else layer._data_format
    learned = layer.weight is not None and layer.bias is not None
    if layout != "NCHW" or getattr(layer, "_act", None) or not learned or layer.weight.stop_gradient:
        return None
    running = (layer._mean, layer._variance)
    return Normalisation.apply(x, layer.weight, layer.bias, running, layer._momentum, layer._epsilon)


def _hard_swish(x: Any, name: str | None = None) -> Any:
    return HardSwish.apply(x) if _fits(x) else None


def _sample() -> list[Any]:
    """Return outputs and gradients of a few layers."""
    state = paddle.get_rng_state()
    paddle.seed(1)
    layers = [Conv2D(3, 16, 3, stride=2, padding=1), Conv2D(16, 16, 5, padding=2, groups=16), BatchNorm2D(16)]
    y = paddle.rand([4, 3, 13, 13])
    paddle.set_rng_state(state)
    for layer in layers:
        y = layer(y)
    y = paddle.nn.functional.hardswish(y)
    (y * y).sum().backward()
    return [y, *[layer.weight.grad for layer in layers]]
