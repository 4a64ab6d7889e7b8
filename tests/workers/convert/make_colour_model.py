"""Run with the conversion environment: ``make_colour_model.py FILE SIDE [TAIL]``.

Writes an ONNX classifier whose logits are the mean of the red, green and blue pixels, so that a mix-up
of the channels turns every answer around. TAIL is an operator to put behind it.
"""

import sys

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper


def main(path, side, tail=None):
    centre = np.zeros((3, 3, 3, 3), np.float32)
    for channel in range(3):
        centre[channel, channel, 1, 1] = 1
    constants = [
        numpy_helper.from_array(centre, "centre"),
        numpy_helper.from_array(np.eye(3, dtype=np.float32), "identity"),
    ]
    nodes = [
        helper.make_node("Conv", ["x", "centre"], ["pixels"], pads=[1, 1, 1, 1], strides=[2, 2]),
        helper.make_node("GlobalAveragePool", ["pixels"], ["means"]),
        helper.make_node("Flatten", ["means"], ["flat"]),
        helper.make_node("Gemm", ["flat", "identity"], ["logits"]),
    ]
    last = "logits"
    if tail:
        nodes.append(helper.make_node("Sigmoid", ["logits"], ["positive"]))
        nodes.append(helper.make_node(tail, ["positive"], ["answer"]))
        last = "answer"
    graph = helper.make_graph(
        nodes,
        "colours",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 3, side, side])],
        [helper.make_tensor_value_info(last, TensorProto.FLOAT, [1, 3])],
        constants,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 12)])
    model.ir_version = 7
    onnx.checker.check_model(model)
    onnx.save(model, path)


main(sys.argv[1], int(sys.argv[2]), *sys.argv[3:])
