"""Cheap measures of every image: on a small version of it, with Pillow's own C functions.

The libraries for this are too heavy: imagehash needs scipy, cleanvision needs pandas; the few lines below
replace them.
"""

from __future__ import annotations

import math
import operator
from typing import NamedTuple

from PIL import Image, ImageFilter

GRAY_SIDE = 16
_VALUES = range(256)
_SQUARES = [value * value for value in _VALUES]
# Edges beyond half the range are clipped there: they are sharp enough.
_LAPLACIAN = ImageFilter.Kernel((3, 3), (0, 1, 0, 1, -4, 1, 0, 1, 0), scale=1, offset=128)
_HASH_SIZE = (9, 8)
_LEFT = operator.itemgetter(*(9 * row + column for row in range(8) for column in range(8)))
_RIGHT = operator.itemgetter(*(9 * row + column + 1 for row in range(8) for column in range(8)))
_DIGITS = bytes.maketrans(b"\0\1", b"01")
_SIGN = 1 << 63


class Measures(NamedTuple):
    """Of one image; as in ``index.ImageRow``."""

    brightness: float
    contrast: float
    sharpness: float
    dhash: int
    gray: bytes


def measure(small: Image.Image) -> Measures:
    """Measure a small RGB or gray image of any size from 1 × 1.

    ``sharpness`` is the variance of the Laplacian (Pech-Pacheco and others, "Diatom autofocusing in
    brightfield microscopy", 2000); ``dhash`` says for 8 × 8 positions whether the image gets brighter to the
    right (N. Krawetz, "Kind of Like That", 2013).
    """
    picture = small if small.mode == "L" else small.convert("L")
    mean, variance = _moments(picture)
    return Measures(
        round(mean, 2), round(math.sqrt(variance), 2), _sharpness(picture), _dhash(picture), _gray(picture)
    )


def _moments(picture: Image.Image) -> tuple[float, float]:
    """Return mean and variance of the values."""
    histogram = picture.histogram()
    pixels = picture.width * picture.height
    mean = sum(map(operator.mul, histogram, _VALUES)) / pixels
    square = sum(map(operator.mul, histogram, _SQUARES)) / pixels
    return mean, max(0.0, square - mean * mean)


def _sharpness(picture: Image.Image) -> float:
    if min(picture.size) < 3:
        return 0.0
    edges = picture.filter(_LAPLACIAN)
    # Pillow leaves the outermost pixels unchanged.
    inner = edges.crop((1, 1, picture.width - 1, picture.height - 1))
    return round(_moments(inner)[1], 1)


def _dhash(picture: Image.Image) -> int:
    pixels = picture.resize(_HASH_SIZE, Image.Resampling.BOX).tobytes()
    brighter = bytes(map(operator.lt, _LEFT(pixels), _RIGHT(pixels)))
    bits = int(brighter.translate(_DIGITS), 2)
    return bits - 2 * _SIGN if bits >= _SIGN else bits


def _gray(picture: Image.Image) -> bytes:
    return picture.resize((GRAY_SIDE, GRAY_SIDE), Image.Resampling.BOX).tobytes()
