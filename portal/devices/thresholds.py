"""Which boxes to display: parsed from query parameters, with defaults."""

from __future__ import annotations

import math

from portal.tasks.figures import Thresholds
from workers.datakit.scoring.detection import SHOWN

OVERLAP = 0.6  # to which boards suppress: a lower one removes more
NAMES = ("score", "overlap")


def thresholds_of(query) -> Thresholds:
    """The thresholds of ``?score=0.4&overlap=0.5``. Raises ValueError for anything but numbers from 0 to
    1.
    """
    usual = {"score": SHOWN, "overlap": OVERLAP}
    values = {name: float(query.get(name) or usual[name]) for name in NAMES}
    for name, value in values.items():
        if not (math.isfinite(value) and 0 <= value <= 1):
            raise ValueError(name)
    return Thresholds(**values)


def forgiving(query) -> Thresholds:
    """As ``thresholds_of``; defaults replace invalid values."""
    try:
        return thresholds_of(query)
    except ValueError:
        return thresholds_of({})
