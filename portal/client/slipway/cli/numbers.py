"""Numbers with bounds; a wrong one is answered with the bounds and the unit."""

from __future__ import annotations

import math
from typing import Any, NoReturn

import click


class Whole(click.IntRange):
    """A whole number from ``min`` to ``max``, both included."""

    def __init__(self, min: int | None = None, max: int | None = None, unit: str = ""):
        super().__init__(min, max)
        self.unit = unit

    def fail(
        self, message: str, param: click.Parameter | None = None, ctx: click.Context | None = None
    ) -> NoReturn:
        super().fail(_sentence("a whole number", self.min, self.max, self.unit), param, ctx)


class Number(click.FloatRange):
    """A finite number from ``min`` to ``max``, both included."""

    def __init__(self, min: float | None = None, max: float | None = None, unit: str = ""):
        super().__init__(min, max)
        self.unit = unit

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        number = super().convert(value, param, ctx)
        return number if math.isfinite(number) else self.fail("", param, ctx)

    def fail(
        self, message: str, param: click.Parameter | None = None, ctx: click.Context | None = None
    ) -> NoReturn:
        super().fail(_sentence("a number", self.min, self.max, self.unit), param, ctx)


def _sentence(kind: str, least: float | None, most: float | None, unit: str) -> str:
    """``give a whole number of hours, 1 to 2160.``"""
    bounds = f"{least or 0:g} or more" if most is None else f"{least or 0:g} to {most:.10g}"
    return f"give {kind}{f' of {unit}' if unit else ''}, {bounds}."
