"""Runs an exported Paddle model, and the ONNX model made from it; the task interprets the outputs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from workers.contract import ToolchainError
from workers.contract.messages import msg
from workers.train.parameters import EVALUATION_BATCH, Plan

ENGINE = "paddle-inference"


def batches(plan: Plan, images: list[str]) -> Iterator[tuple[list[str], Any]]:
    """Yield (names, float32 array of n × 3 × height × width) of images as the board will see them."""
    for start in range(0, len(images), EVALUATION_BATCH):
        names = images[start : start + EVALUATION_BATCH]
        paths = [plan.dataset / name for name in names]
        yield names, normalised(paths, plan.input_size, plan.recipe["mean"], plan.recipe["std"])


def normalised(paths: list[Path], input_size: tuple[int, int], mean: list[float], std: list[float]) -> Any:
    """Return images as float32, n × 3 × height × width, normalised by mean and deviation of each channel."""
    import numpy as np

    pixels = np.stack([read_pixels(path, input_size) for path in paths])
    normal = (pixels.astype("float32") / 255.0 - np.array(mean, "float32")) / np.array(std, "float32")
    return np.ascontiguousarray(normal.transpose(0, 3, 1, 2), dtype="float32")


def read_size(path: Path) -> tuple[int, int]:
    """Return (width, height) of an image."""
    height, width = _read(path).shape[:2]
    return width, height


def read_pixels(path: Path, input_size: tuple[int, int]) -> Any:
    """Return an image as height × width × 3 RGB bytes, stretched bilinearly to ``input_size``."""
    import cv2

    return cv2.resize(_read(path), input_size, interpolation=cv2.INTER_LINEAR)[:, :, ::-1]


def _read(path: Path) -> Any:
    import cv2

    image = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if image is None:
        raise ToolchainError(
            msg("The image {name} cannot be read any more on the training worker.", name=path.name)
        )
    return image


def paddle_runner(inference: Path, device: str, onednn: bool = True) -> Callable[[Any], list[Any]]:
    """Return a function from a batch to the outputs of an exported network, by Paddle Inference.

    ``onednn`` is faster on a CPU, but fails on networks that enlarge images.
    """
    import paddle.inference as paddle_inference

    config = paddle_inference.Config(
        str(inference / "inference.json"), str(inference / "inference.pdiparams")
    )
    if device.startswith("gpu"):
        first = device.partition(":")[2].split(",")[0]
        config.enable_use_gpu(256, int(first or 0))
    if not onednn:
        config.disable_mkldnn()
    config.disable_glog_info()
    predictor = paddle_inference.create_predictor(config)
    source = predictor.get_input_handle(predictor.get_input_names()[0])
    answers = [predictor.get_output_handle(name) for name in predictor.get_output_names()]

    def run(batch: Any) -> list[Any]:
        source.reshape(batch.shape)
        source.copy_from_cpu(batch)
        predictor.run()
        return [answer.copy_to_cpu() for answer in answers]

    return run


def onnx_runner(model: Path) -> Callable[[Any], list[Any]]:
    """Return a function from one normalised image (3 × height × width) to the outputs of an ONNX model."""
    import onnxruntime

    session = onnxruntime.InferenceSession(str(model), providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name

    def run(image: Any) -> list[Any]:
        return session.run(None, {name: image[None]})

    return run
