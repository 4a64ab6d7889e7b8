"""Outliers: images that are dark, blurred or of an odd size compared with their dataset.

Most limits are relative, so that a dataset of night shots, drawings or 8 × 8 digits is not reported as all
wrong: what holds for more than half of a dataset is normal for it. Levels of brightness are gray values, 0 to
255.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Iterator

from workers.contract.messages import msg

from .index import ImageRow
from .marks import mark

# One uniform shade: JPEG's own noise on a blank page stays below it.
BLANK_CONTRAST = 3.0
# All but the brightest (darkest) few percent of an image, two standard deviations from its mean, are in the
# lowest (highest) sixth of the range.
DARK, BRIGHT = 42.0, 213.0
# For a sharp photo at 160 pixels, the Laplacian's variance is some hundreds; for a blurred one, below 20.
BLURRED, BLURRED_TO_MEDIAN = 20.0, 0.1
BLUR_LEAST_SIDE = 64  # smaller images have no detail to lose
TINY_SIDE, TINY_TO_MEDIAN = 16, 0.5
HUGE_PIXELS = 24_000_000  # the resolution of a full-frame camera
ODD_FACTOR = 4.0  # of the median long side, up or down
ODD_ASPECT, ODD_ASPECT_FACTOR = 2.0, 2.5  # long to short side: at least, and relative to the median's
NATURE = 0.5

Test = Callable[[ImageRow], str | None]  # what to report about an outlier, else None


def mark_outliers(images: list[ImageRow]) -> None:
    """Mark the outliers; images without measures are judged by their size alone."""
    if not images:
        return
    measured = [image for image in images if image.brightness is not None]
    _mark(measured, "blank", _blank)
    left = [image for image in measured if image.contrast >= BLANK_CONTRAST]
    for code, test in (("dark", _dark), ("bright", _bright), ("blurred", _blurred(left))):
        _mark(left, code, test)
    for code, test in _size_tests(images):
        _mark(images, code, test)


def _mark(images: list[ImageRow], code: str, test: Test) -> None:
    found = [(image, text) for image in images if (text := test(image)) is not None]
    if len(found) <= NATURE * len(images):
        for image, text in found:
            mark(image, code, text)


def _blank(image: ImageRow) -> str | None:
    if image.contrast >= BLANK_CONTRAST:
        return None
    return msg("contrast {contrast}", contrast=f"{image.contrast:.1f}")


def _dark(image: ImageRow) -> str | None:
    return _brightness(image) if image.brightness + 2 * image.contrast < DARK else None


def _bright(image: ImageRow) -> str | None:
    return _brightness(image) if image.brightness - 2 * image.contrast > BRIGHT else None


def _brightness(image: ImageRow) -> str:
    return msg("brightness {brightness}", brightness=f"{image.brightness:.0f}")


def _blurred(images: list[ImageRow]) -> Test:
    judged = [image.sharpness for image in images if min(image.width, image.height) >= BLUR_LEAST_SIDE]
    limit = min(BLURRED, BLURRED_TO_MEDIAN * statistics.median(judged)) if judged else 0.0

    def test(image: ImageRow) -> str | None:
        small = min(image.width, image.height) < BLUR_LEAST_SIDE
        if small or image.sharpness >= limit:
            return None
        return msg("sharpness {sharpness}", sharpness=f"{image.sharpness:.0f}")

    return test


def _size_tests(images: list[ImageRow]) -> Iterator[tuple[str, Test]]:
    side = statistics.median(max(image.width, image.height) for image in images)
    aspect = statistics.median(math.log(image.width / image.height) for image in images)

    def shown(image: ImageRow) -> str:
        return f"{image.width}×{image.height}"

    def tiny(image: ImageRow) -> str | None:
        least = min(image.width, image.height)
        return shown(image) if least < TINY_SIDE and least < TINY_TO_MEDIAN * side else None

    def huge(image: ImageRow) -> str | None:
        return shown(image) if image.width * image.height > HUGE_PIXELS else None

    def odd_size(image: ImageRow) -> str | None:
        factor = max(image.width, image.height) / side
        return shown(image) if factor > ODD_FACTOR or factor < 1 / ODD_FACTOR else None

    def odd_aspect(image: ImageRow) -> str | None:
        ratio = math.log(image.width / image.height)
        odd = abs(ratio) > math.log(ODD_ASPECT) and abs(ratio - aspect) > math.log(ODD_ASPECT_FACTOR)
        return shown(image) if odd else None

    yield from (
        ("tiny-image", tiny),
        ("huge-image", huge),
        ("odd-size", odd_size),
        ("odd-aspect", odd_aspect),
    )
