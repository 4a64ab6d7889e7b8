"""Whether the calibration images look like the measured ones: brightness, contrast and detail."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

LEAST_IMAGES = 5  # fewer span no range
WIDER = 0.25  # of the calibration images' range, on each side


def look(image: np.ndarray) -> tuple[float, float, float]:
    """Brightness, contrast, and detail (the mean step from pixel to pixel) of a uint8 image."""
    gray = image.astype(np.float32).mean(axis=2)
    steps = [np.abs(np.diff(gray, axis=axis)).mean() if gray.shape[axis] > 1 else 0.0 for axis in (0, 1)]
    return float(gray.mean()), float(gray.std()), float(sum(steps))


def unlike_share(
    calibration: Iterable[tuple[float, float, float]], measured: Iterable[tuple[float, float, float]]
) -> float | None:
    """The share of the measured images that lie outside the range of the calibration images in any of the
    three, 0 to 1; None if there are too few calibration images to tell.
    """
    known, found = np.array(list(calibration)), np.array(list(measured))
    if len(known) < LEAST_IMAGES or not len(found):
        return None
    low, high = known.min(axis=0), known.max(axis=0)
    room = WIDER * (high - low) + 1.0  # a step of brightness at least
    outside = (found < low - room) | (found > high + room)
    return float(outside.any(axis=1).mean())
