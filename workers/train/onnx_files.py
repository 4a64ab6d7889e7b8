"""Paddle inference model → ONNX → slim ONNX with a fixed input, cut before the final Softmax."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from workers.contract import JobFolder, ToolchainError

# Where rknn-toolkit2 and paddle2onnx agree on every operator of our recipes.
OPSET = 12
INPUT_NAME = "x"


def make_onnx(folder: JobFolder, inference: Path, input_size: tuple[int, int]) -> str:
    """Write ``artifacts/model.onnx`` and ``artifacts/model.slim.onnx``; return the cut tensor's name.

    The slim file takes ``x`` (1, 3, height, width) float32 and gives logits (1, classes).
    """
    full, slim = folder.artifacts / "model.onnx", folder.artifacts / "model.slim.onnx"
    with folder.tool("paddle2onnx"):
        _convert(inference, full)
    with folder.tool("onnxslim"):
        cut = _slim(full, slim, input_size)
    return cut


def _convert(inference: Path, target: Path) -> None:
    # Otherwise polygraphy, which paddle2onnx uses, may install packages from the network.
    os.environ["POLYGRAPHY_AUTOINSTALL_DEPS"] = "0"
    import paddle2onnx

    try:
        paddle2onnx.export(
            str(inference / "inference.json"),
            str(inference / "inference.pdiparams"),
            str(target),
            opset_version=OPSET,
            verbose=False,
        )
    except Exception as error:
        raise ToolchainError(f"paddle2onnx cannot convert this network: {_sentence(error)}") from error
    if not target.is_file():
        raise ToolchainError("paddle2onnx wrote no file. The log has the details.")


def _slim(full: Path, target: Path, input_size: tuple[int, int]) -> str:
    import onnx
    import onnxslim

    width, height = input_size
    try:
        fixed = onnxslim.slim(onnx.load(str(full)), input_shapes=[f"{INPUT_NAME}:1,3,{height},{width}"])
        cut = find_cut_tensor(fixed.graph)
        onnx.save(onnxslim.slim(fixed, outputs=[cut]), str(target))
    except ToolchainError:
        raise
    except Exception as error:
        raise ToolchainError(f"onnxslim cannot simplify this network: {_sentence(error)}") from error
    return cut


def find_cut_tensor(graph: Any) -> str:
    """Return the name of the tensor that feeds the last Softmax of an ONNX graph.

    Found in the graph because node names change with every paddle2onnx release. ``graph`` needs only
    ``node`` (each with ``op_type`` and ``input``), in topological order as ONNX requires.
    """
    for node in reversed(list(graph.node)):
        if node.op_type == "Softmax":
            return node.input[0]
    raise ToolchainError(
        "The exported network has no Softmax at its end, so it is not one of our classifiers."
    )


def _sentence(error: Exception) -> str:
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return lines[-1].rstrip(".") + "."
