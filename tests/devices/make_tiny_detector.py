"""Makes a detector of red and blue squares for the virtual board, with the conversion's own environment.

``<convert python> make_tiny_detector.py FOLDER`` writes ``build.onnx`` and ``calibration.zip``. A square
that fills a cell of 16 × 16 in a picture of 64 × 64 is a box of that cell, class 0 if red and 1 if blue; the
darker, the lower its score. It is a PicoDet for the RV1106; with ``open``, one that gives plain distances,
as YOLOv6 does, for the RK3588.
"""

import sys
from pathlib import Path

import cv2
import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from workers.convert.calibration import BuildSettings, pack

SIDE = 64
STRIDES, SEEING = (8, 16, 32, 64), 16
# Of blue, green and red, for each class; a black or white cell is neither.
WEIGHTS = [[-20, -20, 20], [20, -20, -20]]


def constant(name: str, values: np.ndarray) -> onnx.TensorProto:
    return numpy_helper.from_array(values.astype(np.float32), name)


def half_a_cell(is_open: bool) -> np.ndarray:
    """To each side: a distance, or the distribution of one."""
    if is_open:
        return np.full(4, 0.5)
    half = np.zeros((4, 8))
    half[:, :2] = 30
    return half.reshape(-1)


def level(stride: int, is_open: bool) -> tuple[list, list, list]:
    """Nodes, constants and outputs of one level: the mean colour of each cell is scored."""
    cells, half = SIDE // stride, half_a_cell(is_open)
    scores, sides = f"scores{stride}", f"sides{stride}"
    weights = np.array(WEIGHTS)[:, ::-1] if is_open else np.array(WEIGHTS)  # it takes RGB
    nodes = [
        helper.make_node(
            "AveragePool", ["pixels"], [f"mean{stride}"], kernel_shape=[stride] * 2, strides=[stride] * 2
        ),
        helper.make_node("Conv", [f"mean{stride}", f"w{stride}", f"b{stride}"], [f"logits{stride}"]),
        helper.make_node("Sigmoid", [f"logits{stride}"], [scores]),
        helper.make_node("Conv", [f"mean{stride}", f"v{stride}", f"c{stride}"], [sides]),
    ]
    constants = [
        constant(f"w{stride}", weights.reshape(2, 3, 1, 1)),
        constant(f"b{stride}", np.full(2, -10 if stride == SEEING else -50)),
        # Not 0: the toolkit would make a constant of it, of another shape.
        constant(f"v{stride}", np.full((len(half), 3, 1, 1), 1e-4 if is_open else 0.1)),
        constant(f"c{stride}", half),
    ]
    shapes = [(scores, [1, 2, cells, cells]), (sides, [1, len(half), cells, cells])]
    outputs = [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in shapes]
    return nodes, constants, outputs


def make(folder: Path, is_open: bool) -> None:
    strides = STRIDES[:3] if is_open else STRIDES
    levels = [level(stride, is_open) for stride in strides]
    nodes, constants, outputs = (sum(parts, []) for parts in zip(*levels, strict=True))
    nodes.insert(0, helper.make_node("Conv", ["x", "same"], ["pixels"]))  # as a network begins
    constants.append(constant("same", np.eye(3).reshape(3, 3, 1, 1)))
    source = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 3, SIDE, SIDE])
    graph = helper.make_graph(nodes, "squares", [source], outputs, constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 12)], ir_version=8)
    onnx.checker.check_model(model)
    onnx.save(model, str(folder / "build.onnx"))
    picture = folder / "0000.png"
    cv2.imwrite(str(picture), np.full((SIDE, SIDE, 3), 255, np.uint8))
    chip, order = ("rk3588", "rgb") if is_open else ("rv1106", "bgr")
    settings = BuildSettings(chip, order, [0.0] * 3, [255.0] * 3, (SIDE, SIDE))
    pack(folder / "calibration.zip", [picture], settings)


if __name__ == "__main__":
    make(Path(sys.argv[1]), is_open=sys.argv[2:] == ["open"])
