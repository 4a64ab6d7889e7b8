"""Which boxes to display: parsed from query parameters, with defaults."""

from __future__ import annotations

import math

from portal.devices.releases import KnownRelease
from portal.tasks.figures import Thresholds
from workers.datakit.scoring.detection import SHOWN

OVERLAP = 0.6  # the one boards use in suppression: a lower one removes more boxes
NAMES = ("score", "overlap")


def thresholds_of(query, known: KnownRelease | None) -> Thresholds:
    """The thresholds of ``?score=0.4&overlap=0.5``; the defaults are those of the release ``known``.

    Raises ValueError for anything but numbers from 0 to 1.
    """
    usual = {"score": usual_score(known), "overlap": OVERLAP}
    values = {name: float(usual[name] if query.get(name) in (None, "") else query[name]) for name in NAMES}
    for name, value in values.items():
        if not (math.isfinite(value) and 0 <= value <= 1):
            raise ValueError(name)
    return Thresholds(**values)


def usual_score(known: KnownRelease | None) -> float:
    """The score chosen for the release's model, if there is one."""
    return SHOWN if known is None or known.score is None else known.score


def forgiving(query, known: KnownRelease | None) -> Thresholds:
    """As ``thresholds_of``; defaults replace invalid values."""
    try:
        return thresholds_of(query, known)
    except ValueError:
        return thresholds_of({}, known)
