"""How large a dataset's images are, and whether they are much larger or smaller than a model's input."""

from __future__ import annotations

from collections.abc import Sequence

from portal.datasets.models import DatasetVersion
from workers.contract.messages import Message, msg

# More than half of the images, by their long side.
PART = 0.5
# An object of 8 pixels then becomes one pixel; and upscaling to twice the size adds no detail.
MUCH_LARGER, MUCH_SMALLER = 8, 2


def usual_side(version: DatasetVersion) -> int | None:
    """A length that the long side of most images stays below, by the version's histogram; None if unknown."""
    counts, edges = _long_sides(version)
    known, needed = 0, PART * sum(counts)
    for count, most in zip(counts, edges[1:], strict=False):
        known += count
        if known > needed:
            return most
    return None


def fitting_size(side: int | None, size: Sequence[int], sizes: Sequence[Sequence[int]]) -> list[int]:
    """The smallest of ``sizes`` that still shows most images at twice their size; ``size`` if none does.

    More pixels only cost time. ``side`` is that of most images.
    """
    fits = [one for one in sizes if side and MUCH_SMALLER * side <= max(one) < max(size)]
    return list(min(fits, key=max, default=size))


def misfit(
    version: DatasetVersion, input_size: Sequence[int], sizes: Sequence[Sequence[int]]
) -> Message | None:
    """A sentence if most images are scaled much down to fit the model's input, or up although one of the
    recipe's ``sizes`` is smaller; else None.

    It reads only the version's histogram, so sizes count by its bins.
    """
    counts, edges = _long_sides(version)
    side, needed = max(input_size), PART * sum(counts)
    shown = {"width": input_size[0], "height": input_size[1]}
    larger = sum(n for n, least in zip(counts, edges, strict=False) if least >= MUCH_LARGER * side)
    if larger > needed:
        return msg(
            "Most images are more than {times} times larger than the model's input ({width} × {height} "
            "pixels), so small details are lost: choose a larger input size, or cut out what matters.",
            times=MUCH_LARGER,
            **shown,
        )
    if fitting_size(usual_side(version), input_size, sizes) != list(input_size):
        return msg(
            "Most images are less than half as large as the model's input ({width} × {height} pixels): a "
            "smaller input size is faster and loses nothing.",
            **shown,
        )
    return None


def _long_sides(version: DatasetVersion) -> tuple[list[int], list[int | None]]:
    long_side = version.statistics.get("long_side", {})
    return long_side.get("counts", []), long_side.get("edges", [])
