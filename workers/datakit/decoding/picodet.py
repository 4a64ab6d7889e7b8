"""Decodes PicoDet's raw outputs to boxes: the reference for measuring every stage.

The network gives, for each level of its pyramid, class scores 1 × classes × height × width and distributions
of the distances to the four sides 1 × 32 × height × width, alternating: score, distances, score, distances …

A score is sigmoid(class) · sigmoid(quality), as the vendor's library reads it. PaddleDetection takes its
square root, which boards cannot (a Sqrt would run on the CPU): a score of s here is √s there, in the same
order.

Only numpy, Python 3.8: boards whose library does not decode get this file in their release.
"""

from __future__ import annotations

from typing import Any, Sequence

import numpy as np

STRIDES = (8, 16, 32, 64)  # input pixels per cell, level by level
# PaddleDetection evaluates boxes from 0.025 on.
LEAST_SCORE = 0.025**2
OVERLAP = 0.6  # boxes of one class that overlap more are one object: the IoU of its non-maximum suppression
CANDIDATES = 1000  # of a class, before the suppression
MOST_BOXES = 100  # of an image


def decode(
    outputs: Sequence[Any],
    input_size: Sequence[int],
    image_size: Sequence[int],
    least_score: float = LEAST_SCORE,
    overlap: float = OVERLAP,
) -> list[dict[str, Any]]:
    """Return ``{"label": class id, "score": 0..1, "box": [left, top, width, height]}``, highest score first.

    Sizes are (width, height): of the network's input, and of the original image, whose pixels the boxes are
    in. They are clipped to the image.
    """
    levels = zip(outputs[::2], outputs[1::2], STRIDES)
    scores, corners = zip(*(_level(score, distances, stride) for score, distances, stride in levels))
    kept = _suppressed(np.concatenate(scores), np.concatenate(corners), least_score, overlap)
    factors = [image / side for image, side in zip(image_size, input_size)] * 2
    boxes = []
    for label, score, corner in kept:
        left, top, right, bottom = np.clip(corner * factors, 0, [*image_size, *image_size]).tolist()
        box = [round(value, 2) for value in (left, top, right - left, bottom - top)]
        if box[2] > 0 and box[3] > 0:
            boxes.append({"label": label, "score": round(score, 4), "box": box})
    return boxes


def _level(score: Any, distances: Any, stride: int) -> tuple[Any, Any]:
    """The scores (positions × classes) and corners (positions × 4, in input pixels) of one level.

    A position is the centre of its cell; a distance is the mean of its distribution over 0 … n - 1 cells.
    """
    classes, height, width = score.shape[-3:]
    places = (
        np.stack(np.meshgrid(np.arange(width), np.arange(height)), axis=-1).reshape(-1, 2) + 0.5
    ) * stride
    odds = np.asarray(distances, "float32").reshape(4, -1, height * width)
    odds = np.exp(odds - odds.max(axis=1, keepdims=True))
    means = (odds * np.arange(odds.shape[1])[:, None]).sum(axis=1) / odds.sum(axis=1)
    near, far = means[:2].T * stride, means[2:].T * stride
    return np.asarray(score, "float32").reshape(classes, -1).T, np.hstack([places - near, places + far])


def _suppressed(
    scores: Any, corners: Any, least_score: float, overlap: float
) -> list[tuple[int, float, Any]]:
    """(class, score, corners) of the remaining boxes, highest score first."""
    kept = []
    for label in range(scores.shape[1]):
        own = scores[:, label]
        order = np.argsort(-own, kind="stable")[:CANDIDATES]
        order = order[own[order] > least_score]
        kept += [(label, float(own[at]), corners[at]) for at in order[_maxima(corners[order], overlap)]]
    return sorted(kept, key=lambda box: -box[1])[:MOST_BOXES]


def _maxima(corners: Any, overlap: float) -> list[int]:
    """The indexes of boxes that overlap no kept box with a higher score; highest score first."""
    areas = (corners[:, 2:] - corners[:, :2]).prod(axis=1)
    left, kept = np.arange(len(corners)), []
    while len(left):
        first, left = left[0], left[1:]
        kept.append(int(first))
        shared = np.minimum(corners[first, 2:], corners[left, 2:]) - np.maximum(
            corners[first, :2], corners[left, :2]
        )
        shared = shared.clip(0).prod(axis=1)
        left = left[shared <= overlap * (areas[first] + areas[left] - shared)]
    return kept
