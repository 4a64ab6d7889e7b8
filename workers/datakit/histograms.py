"""The distributions on a version's page: fixed bins, so that they stay small for any number of images."""

from __future__ import annotations

import bisect
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from .index import ImageRow

MAX_SIZES = 10
_KB, _MB = 1024, 1024 * 1024
# The first edge is the minimum; None ends an open last bin.
LONG_SIDE = (0, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, None)
ASPECT = (0, 1 / 3, 0.5, 2 / 3, 0.8, 0.95, 1.05, 1.25, 1.5, 2, 3, None)
BRIGHTNESS = tuple(range(0, 257, 16))
SHARPNESS = (0, 1, 3, 10, 30, 100, 300, 1000, 3000, 10_000, None)
FILE_BYTES = (0, _KB, 4 * _KB, 16 * _KB, 64 * _KB, 256 * _KB, _MB, 4 * _MB, 16 * _MB, None)
BOXES_PER_IMAGE = (0, 1, 2, 3, 5, 10, 20, 50, None)
BOX_AREA = (0, 0.001, 0.005, 0.01, 0.05, 0.1, 0.25, 0.5, None)


class Histogram:
    def __init__(self, edges: Sequence[float | None]):
        self._edges = edges
        self._inner = [edge for edge in edges[1:-1] if edge is not None]
        self._counts = [0] * (len(edges) - 1)

    def add(self, value: float) -> None:
        self._counts[bisect.bisect_right(self._inner, value)] += 1

    def as_dict(self) -> dict[str, list]:
        """Return ``edges`` and ``counts``: ``counts[i]`` is for ``edges[i] <= value < edges[i + 1]``."""
        return {"edges": [_short(edge) for edge in self._edges], "counts": self._counts}


def _short(edge: float | None) -> float | None:
    return edge if edge is None else round(edge, 3)


def statistics_of(images: Iterable[ImageRow]) -> dict[str, Any]:
    """Return the histograms by name, and ``sizes``: ``[width, height, images]`` of the most frequent sizes.

    Those of boxes exist only for a detection dataset; a box's area is a fraction of its image's.
    """
    edges = {
        "long_side": LONG_SIDE, "aspect": ASPECT, "brightness": BRIGHTNESS, "sharpness": SHARPNESS,
        "file_bytes": FILE_BYTES, "boxes_per_image": BOXES_PER_IMAGE, "box_area": BOX_AREA,
    }  # fmt: skip
    found = {name: Histogram(bins) for name, bins in edges.items()}
    sizes: Counter[tuple[int, int]] = Counter()
    has_boxes = False
    for image in images:
        sizes[image.width, image.height] += 1
        _add(image, found)
        has_boxes = has_boxes or image.boxes is not None
    if not has_boxes:
        del found["boxes_per_image"], found["box_area"]
    commonest = [[*size, count] for size, count in sizes.most_common(MAX_SIZES)]
    return {**{name: histogram.as_dict() for name, histogram in found.items()}, "sizes": commonest}


def _add(image: ImageRow, found: dict[str, Histogram]) -> None:
    found["long_side"].add(max(image.width, image.height))
    found["aspect"].add(image.width / image.height)
    found["file_bytes"].add(image.size)
    if image.brightness is not None:
        found["brightness"].add(image.brightness)
        found["sharpness"].add(image.sharpness)
    if image.boxes is not None:
        found["boxes_per_image"].add(len(image.boxes) // 5)
        area = image.width * image.height
        for start in range(0, len(image.boxes), 5):
            found["box_area"].add(image.boxes[start + 3] * image.boxes[start + 4] / area)
