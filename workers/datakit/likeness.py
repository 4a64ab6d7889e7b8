"""How unlike the images of a dataset a picture is, by the 16 × 16 gray values that an index keeps of each.

What counts is the distance to the nearest training image. The validation images, on which no model was
trained either, say how far a picture of the same kind lies at most. In a set of scenes of all sorts that is
far: there, little can be told. Measured: of pictures of the dataset's own kind at most 1 % were taken for
unlike ones. Of photographs, icons and screenshots, those of metal parts among them, more than 95 % were
found beside digits and all beside parts; beside random scenes, few of photographs and most of the others.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

from workers.contract.splits import TRAIN, VAL

from .index import Index

LEAST_TRAIN, LEAST_VAL = 50, 20  # below these nothing can be told
MOST_TRAIN, MOST_VAL = 1000, 200
WITHIN, MARGIN = 0.995, 1.15  # so much of the validation images lies within the limit; what is added to it


class Likeness:
    """Of one version's images."""

    def __init__(self, index: Index):
        train, val = index.grays(TRAIN), index.grays(VAL)
        self._train = [tuple(gray) for gray in _spread(train, MOST_TRAIN)]
        enough = len(train) >= LEAST_TRAIN and len(val) >= LEAST_VAL
        self._limit = self._farthest(_spread(val, MOST_VAL)) if enough else 0.0

    def unlikeness(self, gray: bytes) -> float | None:
        """1 and less: as near to the training images as validation images are; above, unlike any of them.

        None where it cannot be told.
        """
        return round(self._distance(gray) / self._limit, 3) if self._limit else None

    def _farthest(self, grays: Iterable[bytes]) -> float:
        distances = sorted(map(self._distance, grays))
        return MARGIN * distances[math.ceil(WITHIN * len(distances)) - 1]

    def _distance(self, gray: bytes) -> float:
        values = tuple(gray)
        return min(math.dist(values, other) for other in self._train)


def _spread(grays: list[bytes], most: int) -> list[bytes]:
    """At most so many of them, evenly chosen."""
    return grays[:: math.ceil(len(grays) / most)] if grays else []
