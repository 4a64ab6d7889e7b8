"""Decodes a detector's raw outputs to boxes: the reference for measuring every stage.

For each grid of cells the network gives class scores, 1 × classes × height × width, from 0 to 1, and places:

- 1 × 4n, n > 1: distributions over 0 … n - 1 cells of the distances from the middle of a cell to the left,
  top, right and bottom side (PicoDet, YOLOv8 and later);
- 1 × 4: the distances themselves, in cells (YOLOv6; YOLOv5 as the intake rewrites it);
- 1 × 2 and 1 × 2: the centre, in cells from the corner of its cell, and the logarithms of width and height,
  in cells (YOLOX, SSD).

Outputs alternate: scores, places, scores, places … Networks with several boxes in a cell give a pair, or a
triple, for each.

PicoDet's score is sigmoid(class) · sigmoid(quality), as the vendor's library reads it. PaddleDetection takes
its square root, which boards cannot (a Sqrt would run on the CPU): a score of s here is √s there, in the same
order.

Only numpy, Python 3.8: boards whose library does not decode get this file in their release.
"""

from __future__ import annotations

import math
from typing import Any, Sequence

import numpy as np

STRIDES = (8, 16, 32, 64)  # of PicoDet: input pixels per cell, level by level
BINS = 32  # of PicoDet: eight for each side
# PaddleDetection evaluates boxes from 0.025 on.
LEAST_SCORE = 0.025**2
OVERLAP = 0.6  # boxes of one class that overlap more are one object: the IoU of its non-maximum suppression
CANDIDATES = 1000  # of a class, before the suppression
MOST_BOXES = 100  # of an image
MOST_EXPONENT = 12.0  # of a size, so that noise stays a number


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
    kept = _suppressed(*positions(outputs, input_size), least_score, overlap)
    factors = [image / side for image, side in zip(image_size, input_size)] * 2
    boxes = []
    for label, score, corner in kept:
        left, top, right, bottom = np.clip(corner * factors, 0, [*image_size, *image_size]).tolist()
        box = [round(value, 2) for value in (left, top, right - left, bottom - top)]
        if box[2] > 0 and box[3] > 0:
            boxes.append({"label": label, "score": round(score, 4), "box": box})
    return boxes


def positions(outputs: Sequence[Any], input_size: Sequence[int]) -> tuple[Any, Any]:
    """The scores (positions × classes) and corners (positions × 4, in input pixels) of all grids."""
    shapes = [output.shape[-3:] for output in outputs]
    size = grouping([shape[0] for shape in shapes])
    groups = [outputs[at : at + size] for at in range(0, len(outputs), size)]
    strides = _strides(shapes[::size], [shape[0] for shape in shapes[1::size]], input_size, size == 3)
    found = [_level(group[0], group[1:], stride) for group, stride in zip(groups, strides)]
    scores, corners = zip(*found)
    return np.concatenate(scores), np.concatenate(corners)


def grouping(channels: Sequence[int]) -> int:
    """How many outputs each grid has, by the outputs' numbers of channels: 0 if they are no detector's."""
    size = 3 if channels[1:3] == [2, 2] else 2
    whole = len(channels) >= size and len(channels) % size == 0
    if not whole or any(count != channels[0] for count in channels[::size]):
        return 0
    places = channels[1::size]
    if size == 2:
        return size if places[0] and places[0] % 4 == 0 and len(set(places)) == 1 else 0
    return size if {*places, *channels[2::size]} == {2} else 0


def _strides(
    shapes: Sequence[Any], places: Sequence[int], input_size: Sequence[int], even: bool
) -> list[Sequence[float]]:
    """Input pixels per cell of each grid, across and down.

    Cells share the image evenly, or else are a power of two wide: then the last ones may reach over its edge.
    """
    if len(shapes) == len(STRIDES) and set(places) == {BINS}:
        return [(one, one) for one in STRIDES]
    found = [(input_size[0] / width, input_size[1] / height) for _, height, width in shapes]
    return found if even else [(2 ** math.ceil(math.log2(max(one)) - 1e-6),) * 2 for one in found]


def _level(score: Any, places: Sequence[Any], stride: Sequence[float]) -> tuple[Any, Any]:
    """The scores (positions × classes) and corners (positions × 4, in input pixels) of one grid."""
    classes, height, width = score.shape[-3:]
    cells = np.stack(np.meshgrid(np.arange(width), np.arange(height)), axis=-1).reshape(-1, 2)
    flat = [np.asarray(one, "float32").reshape(-1, height * width) for one in places]
    if len(flat) == 2:
        middle, half = cells + flat[0].T, np.exp(np.minimum(flat[1].T, MOST_EXPONENT)) / 2
        near, far = half, half
    else:
        middle, means = cells + 0.5, _distances(flat[0])
        near, far = means[:2].T, means[2:].T
    corners = np.hstack([middle - near, middle + far]) * [*stride, *stride]
    return np.asarray(score, "float32").reshape(classes, -1).T, corners


def _distances(flat: Any) -> Any:
    """4 × positions: the mean of each distribution, or the distances themselves."""
    if len(flat) == 4:
        return flat
    odds = flat.reshape(4, len(flat) // 4, -1)
    odds = np.exp(odds - odds.max(axis=1, keepdims=True))
    return (odds * np.arange(odds.shape[1])[:, None]).sum(axis=1) / odds.sum(axis=1)


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
