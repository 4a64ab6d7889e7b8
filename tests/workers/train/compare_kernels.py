"""Runs layers with Paddle's operators and with ours, in the training environment; prints how far they differ.

One JSON object a case: ``name``, ``wanted`` (whether there is a kernel for it), ``ours`` (whether it ran) and
``differences`` of output and gradients, relative to the largest number. For ``test_kernels.py``.
"""

from __future__ import annotations

import contextlib
import itertools
import json
from collections.abc import Iterator
from typing import Any

import paddle  # noqa: TID251  (this runs in the training environment)

from workers.train.kernels import autograd, layers
from workers.train.methods.channels import put, update_sizes

# Images, height, width: odd, tiny, smaller than the kernel, wider than a vector, too many for one buffer.
SIZES = ((3, 7, 9), (33, 2, 2), (5, 4, 6), (2, 17, 40), (1, 1, 1), (40, 8, 8))
KERNELS = ((1, 0), (2, 1), (3, 0), (3, 1), (5, 2), (7, 3), ((3, 5), (1, 2)))


def convolutions() -> Iterator[tuple[str, paddle.nn.Layer, list[int], str]]:
    """Yield (name, layer, shape of the input, type of the input)."""
    settings = itertools.product(SIZES, KERNELS, (1, 2, 3), (1, 2), (1, 6))
    for (images, height, width), (kernel, padding), stride, dilation, groups in settings:
        channels, bias = 6, None if stride == 1 else False
        options = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
        reach = [
            dilation * (taps - 1) + 1 for taps in (kernel if isinstance(kernel, tuple) else (kernel,) * 2)
        ]
        pads = padding if isinstance(padding, tuple) else (padding,) * 2
        if any(size + 2 * pad < far for size, pad, far in zip((height, width), pads, reach, strict=True)):
            continue
        out = 6 if groups == 6 else 5
        layer = paddle.nn.Conv2D(channels, out, kernel, bias_attr=bias, **options)
        yield (
            f"conv {kernel} {options} on {height}x{width}",
            layer,
            [images, channels, height, width],
            "float32",
        )


def others() -> Iterator[tuple[str, paddle.nn.Layer, list[int], str]]:
    for images, height, width in SIZES[:4]:
        for kind in (paddle.nn.BatchNorm2D, paddle.nn.BatchNorm):
            yield f"{kind.__name__} {height}x{width}", kind(6), [images, 6, height, width], "float32"
        yield f"hardswish {height}x{width}", paddle.nn.Hardswish(), [images, 6, height, width], "float32"


def pruned() -> Iterator[tuple[str, paddle.nn.Layer, list[int], str]]:
    """A layer that ran with more output channels before."""
    layer, shape = paddle.nn.Conv2D(6, 32, 3, bias_attr=False), [2, 6, 9, 9]
    layers.install()
    layer(paddle.randn(shape))
    put(layer, "weight", layer.weight[:16])
    update_sizes(layer)
    yield "pruned", layer, shape, "float32"


def left_to_paddle() -> Iterator[tuple[str, paddle.nn.Layer, list[int], str]]:
    """What no kernel computes."""
    conv, shape = paddle.nn.Conv2D, [2, 6, 9, 8]
    yield "stride differs", conv(6, 6, 3, stride=(1, 2), groups=6), shape, "float32"
    yield "padding by name", conv(6, 6, 3, padding="SAME", groups=6), shape, "float32"
    yield "padding differs", conv(6, 6, 3, padding=[1, 2, 0, 1], groups=6), shape, "float32"
    yield "circular padding", conv(6, 6, 3, padding=1, padding_mode="circular", groups=6), shape, "float32"
    yield "groups", conv(6, 6, 3, groups=3), shape, "float32"
    yield "multiplier", conv(6, 12, 3, groups=6), shape, "float32"
    yield "double", conv(6, 6, 3, groups=6).to(dtype="float64"), shape, "float64"
    yield "evaluation", paddle.nn.BatchNorm2D(6).eval(), shape, "float32"
    yield "scales", paddle.nn.BatchNorm2D(6, weight_attr=False), shape, "float32"


def run(layer: paddle.nn.Layer, x: paddle.Tensor, slope: paddle.Tensor) -> list[paddle.Tensor]:
    """Return output and gradients."""
    for tensor in (x, *layer.parameters()):
        tensor.clear_grad()
    y = layer(x)
    y.backward(slope)
    gradients = [tensor.grad for tensor in (x, *layer.parameters())]
    return [y, *[gradient.clone() for gradient in gradients if gradient is not None]]


def compare(layer: paddle.nn.Layer, shape: list[int], kind: str) -> dict[str, Any]:
    x = paddle.randn(shape).astype(kind)
    x.stop_gradient = False
    layers.remove()
    slope = paddle.randn(layer(x).shape).astype(kind)
    expected = run(layer, x, slope)
    layers.install()
    calls = []
    with count_calls(calls):
        computed = run(layer, x, slope)
    pairs = zip(expected, computed, strict=True)
    differences = [float((a - b).abs().max() / (a.abs().max() + 1e-3)) for a, b in pairs]
    return {"ours": bool(calls), "differences": differences}


@contextlib.contextmanager
def count_calls(calls: list[str]) -> Iterator[None]:
    """Note each of our operators that is applied."""
    operators = (autograd.Dense, autograd.Depthwise, autograd.Normalisation, autograd.HardSwish)
    own = [operator.forward for operator in operators]
    for operator, forward in zip(operators, own, strict=True):
        operator.forward = staticmethod(
            lambda *given, forward=forward: (calls.append(""), forward(*given))[1]
        )
    yield
    for operator, forward in zip(operators, own, strict=True):
        operator.forward = staticmethod(forward)


def main() -> None:
    paddle.seed(0)
    ours = (pruned(), convolutions(), others())
    for wanted, cases in (*((True, cases) for cases in ours), (False, left_to_paddle())):
        for name, layer, shape, kind in cases:
            print(json.dumps({"name": name, "wanted": wanted, **compare(layer, shape, kind)}))


if __name__ == "__main__":
    main()
