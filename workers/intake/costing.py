"""What a network would cost on an NPU such as the RV1106's, by the sizes of its layers alone.

The same estimate as for pruning (``workers/train/methods/costs.py``), for any ONNX graph with fixed shapes: a
convolution takes as long as computing or as moving its data, whichever is longer; other operators move data.
Memory is the weights, a byte each, and the largest sum of tensors that are needed at the same time.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import onnx

from workers.intake.graphs import Wiring

PRODUCTS, BYTES, UNIT, LEAST_PIXELS, IMAGE = 512, 6.11, 32, 16, 4
# Fused into the layer before, or only another view of the same data.
FREE = {
    "Reshape", "Flatten", "Squeeze", "Unsqueeze", "Identity", "Relu", "Clip", "LeakyRelu", "Dropout", "Add",
    "HardSwish", "HardSigmoid", "PRelu", "BatchNormalization",
}  # fmt: skip


@dataclass(frozen=True)
class Estimate:
    """``weight_bytes`` and ``feature_bytes`` in int8; ``macs`` are multiply-accumulates."""

    cycles: int
    macs: int
    parameters: int
    weight_bytes: int
    feature_bytes: int

    @property
    def memory_bytes(self) -> int:
        return self.weight_bytes + self.feature_bytes


def estimate(model: onnx.ModelProto) -> Estimate:
    wiring = Wiring(model)
    cycles = macs = 0
    for node in model.graph.node:
        more, products = _node(node, wiring)
        cycles, macs = cycles + more, macs + products
    parameters = sum(math.prod(tensor.dims) for tensor in model.graph.initializer)
    return Estimate(round(cycles), macs, parameters, parameters, _peak(wiring))


def _node(node: onnx.NodeProto, wiring: Wiring) -> tuple[float, int]:
    """Cycles and products of one node; fused and shape-only operators are free."""
    if node.op_type in FREE:
        return 0.0, 0
    into, out = _shape(wiring, node.input[0] if node.input else ""), _shape(wiring, node.output[0])
    moved = _stored(into) + _stored(out)
    if node.op_type == "Conv" and len(node.input) > 1:
        return _convolution(node, wiring, into, out, moved)
    if node.op_type in ("Gemm", "MatMul") and len(into) and len(out):
        products = math.prod(out) * into[-1]
        padded = math.prod(out[:-1]) * _up(out[-1], 16) * _up(into[-1], UNIT) / PRODUCTS
        weights = math.prod(_shape(wiring, node.input[1]))
        return max(padded, (moved + weights) / BYTES), products
    return moved / BYTES, 0


def _convolution(
    node: onnx.NodeProto, wiring: Wiring, into: list[int], out: list[int], moved: float
) -> tuple[float, int]:
    kernel = _shape(wiring, node.input[1])
    if len(kernel) < 3 or len(out) < 3:
        return moved / BYTES, 0
    groups = next((one.i for one in node.attribute if one.name == "group"), 1)
    pixels, taps = math.prod(out[2:]), math.prod(kernel[2:])
    computing = taps * max(LEAST_PIXELS, pixels)
    if groups == 1:
        computing *= _up(kernel[1], UNIT) * _up(kernel[0], 16) / PRODUCTS
    else:
        computing *= math.ceil(kernel[0] / UNIT) * kernel[1]
    return max(computing, (math.prod(kernel) + moved) / BYTES), math.prod(kernel) * pixels


def _shape(wiring: Wiring, name: str) -> list[int]:
    shape = wiring.shapes.get(name) or []
    return [one if isinstance(one, int) else 1 for one in shape]


def _up(number: int, unit: int) -> int:
    return unit * math.ceil(number / unit)


def _stored(shape: list[int]) -> float:
    """Bytes moved for a tensor: channels come in units; the image itself is not padded."""
    if len(shape) < 3:
        return float(math.prod(shape))
    channels, rest = shape[1], math.prod(shape[2:])
    if channels > IMAGE:
        full, part = divmod(channels, UNIT)
        channels = UNIT * full + (0, 24, UNIT)[math.ceil(part / 16)]
    return float(channels * rest)


def _peak(wiring: Wiring) -> int:
    """The most bytes of tensors that are alive at once, in the order of the graph."""
    nodes, last = list(wiring.model.graph.node), {}
    for number, node in enumerate(nodes):
        last |= {name: number for name in node.input if name not in wiring.constants}
    alive: dict[str, float] = {}
    most = 0.0
    for number, node in enumerate(nodes):
        alive |= {name: _stored(_shape(wiring, name)) for name in node.output if name}
        alive |= {
            name: _stored(_shape(wiring, name))
            for name in node.input
            if name and name not in wiring.constants
        }
        most = max(most, sum(alive.values()))
        alive = {name: size for name, size in alive.items() if last.get(name, number) > number}
    return round(most)
