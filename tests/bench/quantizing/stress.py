"""Run with the conversion environment: ``stress ONNX OUT FACTOR``. Makes a model that int8 cannot hold.

Behind the activation in the middle of the network comes a depthwise convolution that multiplies an eighth
of the channels by FACTOR, and the convolution that reads it divides them again. In float nothing changes. In
int8 one scale serves the whole tensor, and of the other channels little is left.
"""

import sys

import numpy as np
import onnx
from onnx import helper, numpy_helper


def main(source: str, target: str, factor: float) -> None:
    model = onnx.load(source)
    graph = model.graph
    weights = {tensor.name: tensor for tensor in graph.initializer}
    name, reader = middle(graph)
    array = numpy_helper.to_array(weights[reader.input[1]])
    groups = next((one.i for one in reader.attribute if one.name == "group"), 1)
    channels = array.shape[0] if groups > 1 else array.shape[1]
    scales = np.ones(channels, np.float32)
    scales[np.random.default_rng(0).permutation(channels)[: max(1, channels // 8)]] = factor
    along = scales[:, None, None, None] if groups > 1 else scales[None, :, None, None]
    weights[reader.input[1]].CopyFrom(numpy_helper.from_array(array / along, reader.input[1]))
    graph.initializer.append(numpy_helper.from_array(scales.reshape(channels, 1, 1, 1), f"{name}_scales"))
    stretched = f"{name}_stretched"
    node = helper.make_node(
        "Conv", [name, f"{name}_scales"], [stretched], name=stretched, group=channels, kernel_shape=[1, 1]
    )
    graph.node.insert(list(graph.node).index(reader), node)
    reader.input[0] = stretched
    onnx.checker.check_model(model)
    onnx.save(model, target)


def middle(graph: onnx.GraphProto) -> tuple[str, onnx.NodeProto]:
    """The activation before the depthwise convolution in the middle of the network, and that convolution."""
    readers = [
        node
        for node in graph.node
        if node.op_type == "Conv" and any(one.name == "group" and one.i > 1 for one in node.attribute)
    ]
    chosen = readers[len(readers) // 2]
    return chosen.input[0], chosen


main(sys.argv[1], sys.argv[2], float(sys.argv[3]))
