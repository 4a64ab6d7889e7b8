"""The uncertainty of a figure measured on a few images. Pure."""

from __future__ import annotations

from math import comb, erfc, sqrt

Z95 = 1.959964  # of the normal distribution, for 95 %
MANY_CHANGES = 1000


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


def chance_of(lost: int, gained: int) -> float:
    """The probability that chance alone gives a change as uneven as this: McNemar's exact sign test (1947).

    ``lost`` images became wrong from one stage to the next and ``gained`` became right; by chance, both are
    equally likely. 6 lost and none gained: 0.03.
    """
    changed, fewer = lost + gained, min(lost, gained)
    if changed > MANY_CHANGES:  # the normal distribution is as good there, and no number grows huge
        return erfc((abs(lost - gained) - 1) / sqrt(2 * changed)) if lost != gained else 1.0
    return min(1.0, 2 * sum(comb(changed, number) for number in range(fewer + 1)) / 2**changed)
