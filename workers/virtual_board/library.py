"""What the vendor's library computes from a network's outputs, for the virtual board's engines: decoding of
images, resizing, the best class, boxes.

Implemented independently of the decoders used for evaluation, so that each checks the other.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

STRIDES = (8, 16, 32, 64)


def decode(data: bytes) -> np.ndarray | None:
    """An image file's pixels, uint8 (height, width, 3) in BGR; None if it is none."""
    import cv2

    return cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR) if data else None


def resize(pixels: np.ndarray, width: int, height: int) -> np.ndarray:
    """Bilinear stretch, pixel centres at one half; uint8 (height, width, 3) in and out.

    Independent of the cv2 module, but in OpenCV's integer arithmetic (weights in 2048ths, each product
    truncated for the next step): the vendor's library is built on opencv-mobile, and other rounding changes
    one pixel in twenty by 1, which affects an undertrained int8 model.
    """
    top, bottom, down = _neighbours(pixels.shape[0], height)
    left, right, across = _neighbours(pixels.shape[1], width)
    source = pixels.astype(np.int32)
    rows = source[:, left] * (2048 - across)[None, :, None] + source[:, right] * across[None, :, None] >> 4
    upper = rows[top] * (2048 - down)[:, None, None] >> 16
    lower = rows[bottom] * down[:, None, None] >> 16
    return np.clip(upper + lower + 2 >> 2, 0, 255).astype(np.uint8)


def _neighbours(size: int, wanted: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """For each output position: the two source positions and the weight of the second, in 2048ths."""
    at = (np.arange(wanted) + 0.5) * size / wanted - 0.5
    low = np.floor(at).astype(int)
    weight = np.rint((at - low) * 2048).astype(np.int32)
    return np.clip(low, 0, size - 1), np.clip(low + 1, 0, size - 1), weight


def classify(outputs: list[np.ndarray], image_size: tuple[int, int], options: dict[str, Any]) -> list[dict]:
    """``[{"label", "classes", "score"}]``: the best class only, and how many there are."""
    logits = np.asarray(outputs[0], np.float64).reshape(-1)
    odds = np.exp(logits - logits.max())
    best = int(odds.argmax())
    return [{"label": best, "classes": len(odds), "score": float(odds[best] / odds.sum())}]


def detect(outputs: list[np.ndarray], image_size: tuple[int, int], options: dict[str, Any]) -> list[dict]:
    """``[{"label", "classes", "score", "box"}]``; boxes are left, top, width, height in the image's pixels.

    ``options`` has ``input_size``, ``score`` and ``overlap``; sizes are (width, height).
    """
    outputs = [np.asarray(output, np.float64) for output in outputs]
    (width, height), classes = image_size, outputs[0].shape[1]
    across, down = width / options["input_size"][0], height / options["input_size"][1]
    candidates = sorted(_candidates(outputs, options["score"]), key=lambda one: -one[0])
    found = []
    for score, label, box in _kept(candidates, options["overlap"]):
        left, right = (min(max(edge * across, 0), width) for edge in (box[0], box[2]))
        top, bottom = (min(max(edge * down, 0), height) for edge in (box[1], box[3]))
        rect = [int(left), int(top), int(right - left), int(bottom - top)]
        found.append({"label": label, "classes": classes, "score": score, "box": rect})
    return found


def _candidates(outputs: list[np.ndarray], least_score: float) -> Iterator[tuple[float, int, list[float]]]:
    """(score, class, corners in the network's input) of each position with a sufficient score."""
    for level, stride in enumerate(STRIDES):
        scores, sides = outputs[2 * level][0], outputs[2 * level + 1][0]
        for label, y, x in np.argwhere(scores > least_score):
            odds = np.exp(sides[:, y, x].reshape(4, -1))
            left, top, right, bottom = odds @ np.arange(odds.shape[1]) / odds.sum(axis=1)
            corners = x + 0.5 - left, y + 0.5 - top, x + 0.5 + right, y + 0.5 + bottom
            yield float(scores[label, y, x]), int(label), [stride * edge for edge in corners]


def _kept(candidates: Iterable[tuple], most_overlap: float) -> list[tuple]:
    """Those that do not overlap a higher-scoring one of their class too much."""
    kept: list[tuple] = []
    for one in candidates:
        if all(one[1] != other[1] or _overlap(one[2], other[2]) <= most_overlap for other in kept):
            kept.append(one)
    return kept


def _overlap(one: list[float], other: list[float]) -> float:
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    shared = max(width, 0) * max(height, 0)
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (one, other)]
    return shared / (sum(areas) - shared) if shared else 0


CLASSES = {"PaddleClas": classify, "PaddleDet": detect}
