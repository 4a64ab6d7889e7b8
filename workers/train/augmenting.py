"""Augmentations of our own, which PaddleClas lacks. They run in the suite's own process.

``configs/paddleclas/augmentations.yaml`` names them like the suite's operators. A checkout of upstream
PaddleClas has launchers of its own, so a training with it leaves them out.
"""

from __future__ import annotations

import math
import random
from typing import Any

import numpy


class RandAffineImage:
    """Turns, shears, stretches and moves an image at random; what comes in repeats the nearest edge.

    ``degrees`` and ``shear`` (the tangent of its angle) are the largest in both directions, ``stretch`` and
    ``shift`` the largest fractions of each side.
    """

    def __init__(self, degrees: float, shear: float, stretch: float, shift: float):
        self.degrees, self.shear, self.stretch, self.shift = degrees, shear, stretch, shift

    def __call__(self, image: Any) -> Any:
        import cv2

        height, width = image.shape[:2]
        return cv2.warpAffine(
            numpy.ascontiguousarray(image),
            self.matrix(width, height),
            (width, height),
            flags=cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REPLICATE,
        )

    def matrix(self, width: int, height: int) -> Any:
        """A random 2 × 3 matrix that maps pixels of an image of this size."""
        angle = math.radians(_within(self.degrees))
        cosine, sine = math.cos(angle), math.sin(angle)
        turned = numpy.array([[cosine, -sine], [sine, cosine]])
        sheared = numpy.array([[1, _within(self.shear)], [_within(self.shear / 2), 1]])
        stretched = numpy.diag([1 + _within(self.stretch), 1 + _within(self.stretch)])
        linear = turned @ sheared @ stretched
        centre = numpy.array([(width - 1) / 2, (height - 1) / 2])
        moved = numpy.array([_within(self.shift) * width, _within(self.shift) * height])
        return numpy.column_stack([linear, centre - linear @ centre + moved])


OPERATORS = {"RandAffineImage": RandAffineImage}


def add_operators(preprocess: Any) -> None:
    """Add them to ``ppcls.data.preprocess``, where the suite looks for operators by name."""
    for name, operator in OPERATORS.items():
        setattr(preprocess, name, operator)


def _within(most: float) -> float:
    return random.uniform(-most, most)
