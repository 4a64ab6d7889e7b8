"""Makes a three-class colour model for the virtual board, with the conversion's own environment.

``<convert python> make_tiny_model.py FOLDER`` writes ``build.onnx`` and ``calibration.zip``: the answer is
the strongest channel of a BGR picture of 16 × 8 (0 blue, 1 green, 2 red).
"""

import sys
from pathlib import Path

import cv2
import numpy as np
import onnx
from onnx import TensorProto, helper

from workers.convert.calibration import BuildSettings, pack

WIDTH, HEIGHT = 16, 8


def make(folder: Path) -> None:
    nodes = [
        helper.make_node("GlobalAveragePool", ["x"], ["mean"]),
        helper.make_node("Flatten", ["mean"], ["logits"], axis=1),
    ]
    graph = helper.make_graph(
        nodes,
        "colours",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 3, HEIGHT, WIDTH])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, [1, 3])],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 12)], ir_version=8)
    onnx.save(model, str(folder / "build.onnx"))
    pictures = []
    for number, colour in enumerate(([255, 0, 0], [0, 255, 0], [0, 0, 255], [255, 255, 255])):
        pictures.append(folder / f"{number:04d}.png")
        cv2.imwrite(str(pictures[-1]), np.full((HEIGHT, WIDTH, 3), colour, np.uint8))
    settings = BuildSettings("rv1106", "bgr", [0.0, 0.0, 0.0], [25.5, 25.5, 25.5], (WIDTH, HEIGHT))
    pack(folder / "calibration.zip", pictures, settings)


if __name__ == "__main__":
    make(Path(sys.argv[1]))
