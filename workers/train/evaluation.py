"""Measures the exported Paddle model on the validation split, and that the ONNX file answers the same."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from workers.contract import ToolchainError
from workers.train.plan import EVALUATION_BATCH, Plan, read_labels

ENGINE = "paddle-inference"
# Images on which the slim ONNX must choose the class that the Paddle model chooses.
ONNX_CHECK_IMAGES = 64


def evaluate(plan: Plan, inference: Path, slim: Path) -> list[dict[str, Any]]:
    """Return one ``{"image", "label", "predicted", "score"}`` per validation image, score in 0..1.

    Raises ToolchainError when the slim ONNX disagrees with the Paddle model it was made from.
    """
    pairs = read_labels(plan.dataset / "val.txt", plan.num_classes)
    run_paddle = paddle_runner(inference, plan.device)
    predictions = []
    for names, batch in batches(plan, [image for image, _ in pairs]):
        for name, probabilities in zip(names, run_paddle(batch), strict=True):
            best = int(probabilities.argmax())
            predictions.append({"image": name, "predicted": best, "score": float(probabilities[best])})
        if len(predictions) == len(names):
            _check_onnx(slim, batch[:ONNX_CHECK_IMAGES], predictions)
    for prediction, (_, label) in zip(predictions, pairs, strict=True):
        prediction["label"] = label
    return predictions


def batches(plan: Plan, images: list[str]) -> Iterator[tuple[list[str], Any]]:
    """Yield (names, float32 array of n × 3 × height × width) of images as the board will see them."""
    import numpy as np

    mean, std = (np.array(plan.recipe[key], "float32") for key in ("mean", "std"))
    for start in range(0, len(images), EVALUATION_BATCH):
        names = images[start : start + EVALUATION_BATCH]
        pixels = np.stack([read_pixels(plan.dataset / name, plan.input_size) for name in names])
        normal = (pixels.astype("float32") / 255.0 - mean) / std
        yield names, np.ascontiguousarray(normal.transpose(0, 3, 1, 2), dtype="float32")


def read_pixels(path: Path, input_size: tuple[int, int]) -> Any:
    """Return an image as height × width × 3 RGB bytes, stretched bilinearly to ``input_size``."""
    import cv2

    image = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if image is None:
        raise ToolchainError(f"The image {path.name} cannot be read any more on the training worker.")
    return cv2.resize(image, input_size, interpolation=cv2.INTER_LINEAR)[:, :, ::-1]


def paddle_runner(inference: Path, device: str) -> Callable[[Any], Any]:
    """Return a function from a batch to class probabilities (n × classes) by Paddle Inference."""
    import paddle.inference as paddle_inference

    config = paddle_inference.Config(
        str(inference / "inference.json"), str(inference / "inference.pdiparams")
    )
    if device.startswith("gpu"):
        first = device.partition(":")[2].split(",")[0]
        config.enable_use_gpu(256, int(first or 0))
    config.disable_glog_info()
    predictor = paddle_inference.create_predictor(config)
    source = predictor.get_input_handle(predictor.get_input_names()[0])
    answer = predictor.get_output_handle(predictor.get_output_names()[0])

    def run(batch: Any) -> Any:
        source.reshape(batch.shape)
        source.copy_from_cpu(batch)
        predictor.run()
        return answer.copy_to_cpu()

    return run


def _check_onnx(slim: Path, batch: Any, predictions: list[dict[str, Any]]) -> None:
    import onnxruntime

    session = onnxruntime.InferenceSession(str(slim), providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    same = sum(
        int(session.run(None, {name: image[None]})[0].argmax()) == prediction["predicted"]
        for image, prediction in zip(batch, predictions, strict=False)
    )
    # One near-tie may fall the other way by rounding.
    if same < len(batch) - 1:
        raise ToolchainError(
            f"The ONNX file answers {len(batch) - same} of {len(batch)} validation images differently from "
            "the Paddle model it was made from: paddle2onnx or onnxslim converted it wrongly."
        )
