"""How unlike a dataset's images another image is, by the 16 × 16 gray values in the index.

The measure is the distance to the nearest training image, relative to a limit: how far validation images,
which the model was not trained on either, are from theirs. For a dataset of varied scenes the limit is high,
so little is detected. Measured: at most 1 % of images of the dataset's own kind exceed the limit. Among
photographs, icons and screenshots, including photographs of metal parts, more than 95 % exceed that of a
dataset of digits and all exceed that of a dataset of parts; few photographs but most of the others exceed
that of random scenes.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

from workers.contract.splits import TRAIN, VAL

from .index import Index

LEAST_TRAIN, LEAST_VAL = 50, 20  # fewer images give no limit
MOST_TRAIN, MOST_VAL = 1000, 200
WITHIN, MARGIN = 0.995, 1.15  # quantile of the validation distances; factor on it


class Likeness:
    """Compares images with those of one version."""

    def __init__(self, index: Index):
        train, val = index.grays(TRAIN), index.grays(VAL)
        self._train = [tuple(gray) for gray in _spread(train, MOST_TRAIN)]
        enough = len(train) >= LEAST_TRAIN and len(val) >= LEAST_VAL
        self._limit = self._farthest(_spread(val, MOST_VAL)) if enough else 0.0

    def unlikeness(self, gray: bytes) -> float | None:
        """Up to 1: as near to the training images as validation images are. Above 1: unlike all of them.

        None if the version has too few images.
        """
        return round(self._distance(gray) / self._limit, 3) if self._limit else None

    def _farthest(self, grays: Iterable[bytes]) -> float:
        distances = sorted(map(self._distance, grays))
        return MARGIN * distances[math.ceil(WITHIN * len(distances)) - 1]

    def _distance(self, gray: bytes) -> float:
        values = tuple(gray)
        return min(math.dist(values, other) for other in self._train)


def _spread(grays: list[bytes], most: int) -> list[bytes]:
    """At most ``most`` of them, evenly spaced."""
    return grays[:: math.ceil(len(grays) / most)] if grays else []
