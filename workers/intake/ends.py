"""The convolutions at which a detector ends, by grid of cells: see ``yolo.py`` and ``ssd.py``."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import onnx
from onnx import numpy_helper

from workers.contract.messages import Message
from workers.intake.graphs import Wiring

LEAST_BINS = 4  # of a distribution
MOST_WALKED = 20_000


@dataclass(frozen=True)
class End:
    """A convolution at the end of the network: its output, its channels, and the operators that follow."""

    name: str
    channels: int
    after: frozenset[str]


@dataclass
class Found:
    """A detector's head: ``model`` has the outputs ``cut`` besides its own.

    ``order`` tells which row of the file's own boxes each of ours is; None if the order is the same.
    """

    family: str
    classes: int
    cut: list[str]
    model: onnx.ModelProto
    notes: list[Message] = field(default_factory=list)
    order: np.ndarray | None = None


Grids = list[tuple[tuple[int, int], list[End]]]


def ends_of(wiring: Wiring, outputs: list[str]) -> Grids:
    """The last convolutions before the outputs, by grid (height, width), the largest grid first."""
    found: dict[tuple[int, int], list[End]] = {}
    for name in _last_convolutions(wiring, outputs):
        shape = wiring.shapes.get(name) or []
        if len(shape) != 4 or shape[0] != 1 or not all(isinstance(side, int) for side in shape):
            return []
        end = End(name, shape[1], _after(wiring, name))
        found.setdefault((shape[2], shape[3]), []).append(end)
    return sorted(found.items(), reverse=True)


def _last_convolutions(wiring: Wiring, outputs: list[str]) -> list[str]:
    """In the order of the file's nodes."""
    waiting, seen, found = list(outputs), set(), set()
    while waiting and len(seen) < MOST_WALKED:
        name = waiting.pop()
        node = wiring.maker.get(name)
        if name in seen or node is None:
            continue
        seen.add(name)
        if node.op_type == "Conv" and not bins_of(wiring, node):
            found.add(name)
        else:
            waiting += [one for one in node.input if one and one not in wiring.constants]
    order = [name for node in wiring.model.graph.node for name in node.output]
    return [name for name in order if name in found]


def bins_of(wiring: Wiring, node: onnx.NodeProto) -> int:
    """How many numbers a distribution has, if this computes the mean of distributions; otherwise 0."""
    weights = constant(wiring, node.input[1])
    if weights is None or weights.size < LEAST_BINS:
        return 0
    return weights.size if np.array_equal(weights.reshape(-1), np.arange(weights.size)) else 0


def constant(wiring: Wiring, name: str) -> np.ndarray | None:
    for tensor in wiring.model.graph.initializer:
        if tensor.name == name:
            return numpy_helper.to_array(tensor)
    return None


def _after(wiring: Wiring, name: str) -> frozenset[str]:
    """The operators between a tensor and the outputs."""
    waiting, kinds, seen = [name], set(), set()
    while waiting and len(seen) < MOST_WALKED:
        one = waiting.pop()
        if one in seen:
            continue
        seen.add(one)
        for node in wiring.readers.get(one, []):
            kinds.add(node.op_type)
            waiting += node.output
    return frozenset(kinds)
