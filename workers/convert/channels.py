"""Makes a model that was trained on RGB take BGR pixels, by reordering its first weights.

The vendor's library feeds what its camera and its ``imread`` deliver: BGR. Swapping only mean and standard
deviation (as the vendor's own exporter does) normalizes correctly, but the first convolution then sees blue
where it learnt red.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import numpy_helper

from workers.contract import ToolchainError
from workers.contract.messages import msg

# Sums of the same products in another order differ in float32's last bits.
TOLERANCE = 1e-3


def swap_first_convolution(model: onnx.ModelProto) -> onnx.ModelProto:
    """Return a copy with the first and third channel of its input swapped.

    Every node that reads the input must be a plain convolution with constant weights (out × 3 × kh × kw);
    ToolchainError otherwise.
    """
    swapped = onnx.ModelProto()
    swapped.CopyFrom(model)
    graph = swapped.graph
    weights = {tensor.name: tensor for tensor in graph.initializer}
    name = input_name(model)
    for number, node in enumerate(node for node in graph.node if name in node.input):
        tensor = weights.get(node.input[1]) if node.op_type == "Conv" else None
        array = None if tensor is None else numpy_helper.to_array(tensor)
        if array is None or array.ndim != 4 or array.shape[1] != 3:
            raise ToolchainError(
                msg(
                    "The model's first layer is {op_type} and not a convolution over 3 channels, so "
                    "it cannot be turned to BGR: choose the channel order rgb.",
                    op_type=node.op_type,
                )
            )
        # Under a new name: another node may share the weights.
        turned = numpy_helper.from_array(np.ascontiguousarray(array[:, ::-1]), f"{tensor.name}_bgr{number}")
        graph.initializer.append(turned)
        node.input[1] = turned.name
    _drop_unused_initializers(graph)
    onnx.checker.check_model(swapped)
    return swapped


def _drop_unused_initializers(graph: onnx.GraphProto) -> None:
    used = {name for node in graph.node for name in node.input} | {output.name for output in graph.output}
    kept = [tensor for tensor in graph.initializer if tensor.name in used]
    del graph.initializer[:]
    graph.initializer.extend(kept)


def input_name(model: onnx.ModelProto) -> str:
    """Return the name of the model's one input; raise ToolchainError if it has several."""
    constants = {tensor.name for tensor in model.graph.initializer}
    names = [value.name for value in model.graph.input if value.name not in constants]
    if len(names) != 1:
        raise ToolchainError(
            msg("The ONNX model must have one input and has {count}: train it again.", count=len(names))
        )
    return names[0]


def check_input(model: onnx.ModelProto, input_size: tuple[int, int]) -> None:
    """Raise ToolchainError unless the model takes 1×3×height×width."""
    name = input_name(model)
    found = next(value for value in model.graph.input if value.name == name)
    expected = [1, 3, input_size[1], input_size[0]]
    if _shape(found) != expected:
        raise ToolchainError(
            msg(
                "The ONNX model takes {found} and not {expected}: train it again.",
                found=_shape(found),
                expected=expected,
            )
        )


def output_shapes(model: onnx.ModelProto) -> list[list[int]]:
    """Return the shapes of the model's outputs, in order."""
    return [_shape(value) for value in model.graph.output]


def _shape(value: onnx.ValueInfoProto) -> list[int]:
    return [dimension.dim_value for dimension in value.type.tensor_type.shape.dim]


def read_model(path: Path) -> onnx.ModelProto:
    """Load an ONNX file; raise ToolchainError if it is incomplete."""
    try:
        model = onnx.load(str(path))
        onnx.checker.check_model(model)
    except Exception as error:
        raise ToolchainError(
            msg("{name} is not a valid ONNX model ({error}): train it again.", name=path.name, error=error)
        ) from error
    return model


def check_same_answers(rgb: np.ndarray, bgr: np.ndarray) -> None:
    """Raise ToolchainError unless both models' outputs, images × numbers, agree except for rounding."""
    difference = float(np.abs(rgb - bgr).max())
    if difference > TOLERANCE * max(1.0, float(np.abs(rgb).max())):
        raise ToolchainError(
            msg(
                "Turning the model to BGR changed its predictions by {difference}: "
                "choose the channel order rgb.",
                difference=f"{difference:.3g}",
            )
        )
