"""Adds layers to a copy of a network, so that it ends as ``datakit/decoding/detector.py`` reads it."""

from __future__ import annotations

import copy

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from workers.intake.ends import constant
from workers.intake.graphs import Wiring


class Edit:
    """Adds layers to a copy of a network."""

    def __init__(self, wiring: Wiring):
        self.wiring, self.model = wiring, copy.deepcopy(wiring.model)
        self.count = 0

    def _add(self, kind: str, inputs: list[str], **attributes) -> str:
        self.count += 1
        name = f"detector_{self.count}"
        self.model.graph.node.append(helper.make_node(kind, inputs, [name], name=name, **attributes))
        return name

    def _constant(self, value: np.ndarray, kind=np.float32) -> str:
        self.count += 1
        name = f"detector_{self.count}"
        self.model.graph.initializer.append(numpy_helper.from_array(value.astype(kind), name))
        return name

    def sigmoid(self, name: str) -> str:
        return self._add("Sigmoid", [name])

    def product(self, one: str, two: str) -> str:
        return self._add("Mul", [one, two])

    def split(self, name: str, counts: list[int]) -> list[str]:
        """The channels of a convolution as several convolutions, so that each has its own scale in int8.

        Empty if its weights are not constant.
        """
        if not self.is_plain(name):
            return []
        found = self._weights(name)
        parts, at = [], 0
        for count in counts:
            parts.append(self._convolution(name, [one[at : at + count] for one in found]))
            at += count
        return parts

    def scaled(self, name: str, channels: slice, factor: np.ndarray, addend: np.ndarray) -> str:
        """Some channels of a convolution, times a factor and plus an addend for each, as a convolution."""
        weights, biases = self._weights(name)
        factor = factor.reshape(-1, 1, 1, 1)
        values = [weights[channels] * factor, biases[channels] * factor[:, 0, 0, 0] + addend]
        return self._convolution(name, values)

    def difference(self, name: str, more: int, less: int) -> str:
        """One channel of a convolution minus another, as a convolution."""
        values = [one[more : more + 1] - one[less : less + 1] for one in self._weights(name)]
        return self._convolution(name, values)

    def is_plain(self, name: str) -> bool:
        """Whether a convolution of one group with constant weights makes it."""
        node = self.wiring.maker[name]
        groups = next((one.i for one in node.attribute if one.name == "group"), 1)
        return groups == 1 and all(constant(self.wiring, one) is not None for one in node.input[1:])

    def _weights(self, name: str) -> list[np.ndarray]:
        node = self.wiring.maker[name]
        weights = constant(self.wiring, node.input[1])
        biases = constant(self.wiring, node.input[2]) if len(node.input) > 2 else np.zeros(len(weights))
        return [weights, biases]

    def _convolution(self, name: str, values: list[np.ndarray]) -> str:
        node = self.wiring.maker[name]
        attributes = {one.name: helper.get_attribute_value(one) for one in node.attribute}
        return self._add("Conv", [node.input[0], *map(self._constant, values)], **attributes)

    def without_first(self, name: str, count: int) -> str:
        """The softmax over channels, without the first of ``count``."""
        odds = self._add("Softmax", [name], axis=1)
        limits = [self._constant(np.array([one]), np.int64) for one in (1, count, 1)]
        return self._add("Slice", [odds, *limits])

    def distances(self, middle: str, sides: str, anchor: list[float]) -> str:
        """The distances to the four sides, in cells, of YOLOv5's box for an anchor of this size, in cells.

        Its centre is 2·sigmoid(middle) - 0.5 cells from the cell's corner, its sides are 4·sigmoid(sides)²
        anchors.
        """
        square = self.sigmoid(sides)
        both = self._add("Concat", [self.sigmoid(middle), self.product(square, square)], axis=1)
        width, height = (2 * side for side in anchor)  # half of four anchors
        weights = np.array([[-2, 0, width, 0], [0, -2, 0, height], [2, 0, width, 0], [0, 2, 0, height]])
        biases = np.array([1.0, 1.0, -1.0, -1.0])
        inputs = [both, self._constant(weights.reshape(4, 4, 1, 1)), self._constant(biases)]
        return self._add("Conv", inputs)

    def done(self, cut: list[str]) -> onnx.ModelProto:
        """The network with these outputs besides its own."""
        known = {value.name for value in self.model.graph.output}
        for name in cut:
            if name not in known:
                self.model.graph.output.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, None))
        return onnx.shape_inference.infer_shapes(self.model)
