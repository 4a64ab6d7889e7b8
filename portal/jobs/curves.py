"""Reads a job's curves: the new points of one that grows, and a long one thinned so that a page can draw it.

Thinning keeps, of each stretch of steps, the lowest and the highest point as they were measured: a spike
stays where it was.
"""

from __future__ import annotations

from collections.abc import Iterable

from django.db.models import Count

from portal.jobs.models import Job

AT_ONCE = 5000  # points in one answer
A_CURVE = 1000  # points of each curve, when all are too many for one answer
COLUMNS = ("pk", "name", "step", "value")
Point = tuple[int, str, int, float]


def since(job: Job, after: int) -> list[Point]:
    """The next points with an id above ``after``; a long curve is thinned when it is read from its start."""
    rows = job.metrics.filter(pk__gt=after).order_by("pk").values_list(*COLUMNS)
    points = list(rows[: AT_ONCE + 1])
    if len(points) <= AT_ONCE:
        return points
    return thinned(job) if after == 0 else points[:AT_ONCE]


def thinned(job: Job, most: int = A_CURVE, names: Iterable[str] | None = None) -> list[Point]:
    """All curves of a job, or those of these names, with about ``most`` points each at the most.

    In the order of their ids; the last point is always kept.
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
        if curve is not None:  # None: it began just now; the next answer brings it
            kept += curve.add(point)
    for curve in curves.values():
        kept += curve.rest()
    if point is not None:
        kept.append(point)
    return sorted(set(kept))


class _Curve:
    """Lets through the lowest and the highest of each ``stretch`` of points, all when it is one or two."""

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
