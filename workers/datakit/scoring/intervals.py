"""The uncertainty of a fraction measured on a few images. Pure."""

from __future__ import annotations

from math import sqrt

Z95 = 1.959964  # of the normal distribution, for 95 %


def wilson(right: int, images: int, z: float = Z95) -> tuple[float, float] | None:
    """The 95 % confidence interval if ``right`` of ``images`` were right; None without images.

    Wilson's score interval (E. B. Wilson, 1927): it holds for few images and for fractions near 0 and 1,
    where the usual ± does not. 15 of 15 gives 0.80 to 1.
    """
    if not images:
        return None
    share, weight = right / images, z * z / images
    centre = (share + weight / 2) / (1 + weight)
    half = z / (1 + weight) * sqrt(share * (1 - share) / images + weight / (4 * images))
    return max(0.0, centre - half), min(1.0, centre + half)
