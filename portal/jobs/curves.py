"""Reads a job's curves: new points of a growing curve, or a long curve thinned for a chart.

Thinning keeps the lowest and the highest measured point of each stretch of steps, so spikes stay in place.
"""

from __future__ import annotations

from collections.abc import Iterable

from django.db.models import Count

from portal.jobs.models import Job

AT_ONCE = 5000  # points in one response
A_CURVE = 1000  # points of each curve, if there are too many for one response
COLUMNS = ("pk", "name", "step", "value")
Point = tuple[int, str, int, float]


def since(job: Job, after: int) -> list[Point]:
    """The next points with an id above ``after``. A long curve is thinned when it is read from the start."""
    rows = job.metrics.filter(pk__gt=after).order_by("pk").values_list(*COLUMNS)
    points = list(rows[: AT_ONCE + 1])
    if len(points) <= AT_ONCE:
        return points
    return thinned(job) if after == 0 else points[:AT_ONCE]


def thinned(job: Job, most: int = A_CURVE, names: Iterable[str] | None = None) -> list[Point]:
    """The job's curves, or those with these names, with about ``most`` points each.

    Ordered by id; the last point is always kept.
    """
    rows = job.metrics.all()
    if names is not None:
        rows = rows.filter(name__in=list(names))
    counts = dict(rows.order_by().values_list("name").annotate(Count("pk")))
    curves = {name: _Curve(-(-2 * count // most)) for name, count in counts.items()}
    kept: list[Point] = []
    point = None
    for point in rows.order_by("pk").values_list(*COLUMNS).iterator(chunk_size=5000):
        curve = curves.get(point[1])
        if curve is not None:  # None: it started just now; the next response has it
            kept += curve.add(point)
    for curve in curves.values():
        kept += curve.rest()
    if point is not None:
        kept.append(point)
    return sorted(set(kept))


class _Curve:
    """Keeps the lowest and the highest of each ``stretch`` of points; all points if ``stretch`` is 1 or 2."""

    def __init__(self, stretch: int):
        self.stretch, self.held = stretch, []

    def add(self, point: Point) -> list[Point]:
        self.held.append(point)
        return self.rest() if len(self.held) >= self.stretch else []

    def rest(self) -> list[Point]:
        held, self.held = self.held, []
        if len(held) <= 2:
            return held
        lowest = min(held, key=lambda point: point[3])
        highest = max(held, key=lambda point: point[3])
        return sorted({lowest, highest})
