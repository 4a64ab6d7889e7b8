"""Paddle inference model → ONNX → slim ONNX with a fixed input, cut where the task requires it."""

from __future__ import annotations

import os
from pathlib import Path

from workers.contract import JobFolder, ToolchainError
from workers.contract.messages import msg
from workers.train.tasks import Task

# rknn-toolkit2 and paddle2onnx agree on every operator of the recipes in this opset.
OPSET = 12
INPUT_NAME = "x"


def make_onnx(folder: JobFolder, inference: Path, input_size: tuple[int, int], task: Task) -> list[str]:
    """Write ``artifacts/model.onnx`` and ``artifacts/model.slim.onnx``; return the names of the cut tensors.

    The slim file takes ``x`` (1, 3, height, width) float32 and returns the tensors at which the task cuts.
    """
    full, slim = folder.artifacts / "model.onnx", folder.artifacts / "model.slim.onnx"
    with folder.tool("paddle2onnx"):
        _convert(inference, full)
    with folder.tool("onnxslim"):
        cut = _slim(full, slim, input_size, task)
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
        raise ToolchainError(
            msg("paddle2onnx cannot convert this network: {error}", error=_sentence(error))
        ) from error
    if not target.is_file():
        raise ToolchainError(msg("paddle2onnx wrote no file. The log has the details."))


def _slim(full: Path, target: Path, input_size: tuple[int, int], task: Task) -> list[str]:
    import onnx
    import onnxslim

    width, height = input_size
    try:
        fixed = onnxslim.slim(onnx.load(str(full)), input_shapes=[f"{INPUT_NAME}:1,3,{height},{width}"])
        cut = task.cut_tensors(fixed.graph)
        onnx.save(onnxslim.slim(fixed, outputs=cut), str(target))
    except ToolchainError:
        raise
    except Exception as error:
        raise ToolchainError(
            msg("onnxslim cannot simplify this network: {error}", error=_sentence(error))
        ) from error
    return cut


def _sentence(error: Exception) -> str:
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return lines[-1].rstrip(".") + "."
