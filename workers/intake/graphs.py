"""Facts of an ONNX graph: its real inputs, shapes, operators, who makes and who reads a tensor."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

import onnx
from onnx import TensorProto

Shape = list[Any]  # numbers; a name or None for a dimension that is not fixed


def shape_of(value: onnx.ValueInfoProto) -> Shape | None:
    """None if the file does not say."""
    kind = value.type.tensor_type
    if not value.type.HasField("tensor_type") or not kind.HasField("shape"):
        return None
    return [_dimension(one) for one in kind.shape.dim]


def _dimension(one: Any) -> int | str | None:
    if one.HasField("dim_value"):
        return int(one.dim_value)
    return one.dim_param or None


def type_of(value: onnx.ValueInfoProto) -> str:
    """Its name; a number that is no type of ONNX stays one."""
    kind = value.type.tensor_type.elem_type
    known = kind in TensorProto.DataType.values()
    return TensorProto.DataType.Name(kind).lower() if known else str(kind)


def inputs_of(model: onnx.ModelProto) -> list[onnx.ValueInfoProto]:
    """The inputs that are not constants."""
    constants = {tensor.name for tensor in model.graph.initializer}
    return [value for value in model.graph.input if value.name not in constants]


def as_data(values: Iterable[onnx.ValueInfoProto]) -> list[dict[str, Any]]:
    """For the result: ``{"name", "type", "shape"}``; a dimension that is not fixed is its name or null."""
    return [{"name": value.name[:120], "type": type_of(value), "shape": shape_of(value)} for value in values]


def operators(model: onnx.ModelProto) -> Counter[str]:
    return Counter(node.op_type for node in model.graph.node if node.op_type != "Constant")


class Wiring:
    """Who makes each tensor, who reads it, and its shape where that is known."""

    def __init__(self, model: onnx.ModelProto):
        graph = model.graph
        self.model = model
        self.maker = {name: node for node in graph.node for name in node.output}
        self.readers: dict[str, list[onnx.NodeProto]] = {}
        for node in graph.node:
            for name in node.input:
                self.readers.setdefault(name, []).append(node)
        self.shapes = {
            value.name: shape_of(value) for value in [*graph.input, *graph.output, *graph.value_info]
        }
        self.shapes |= {tensor.name: list(tensor.dims) for tensor in graph.initializer}
        self.constants = {tensor.name for tensor in graph.initializer}

    def source(self, name: str) -> str | None:
        """The first input, that is not constant, of the node that makes ``name``; None for an input."""
        node = self.maker.get(name)
        if node is None:
            return None
        return next((one for one in node.input if one and one not in self.constants), None)
