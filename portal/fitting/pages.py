"""The data of a search's page, loaded once per request. Read-only."""

from __future__ import annotations

from django.template.loader import render_to_string
from django.urls import reverse

from portal import tasks
from portal.core.live import Live
from portal.deployment import services as deployment
from portal.devices.models import Device
from portal.fitting.models import FitSearch
from portal.fitting.search import seconds_left
from portal.fitting.standing import Entry, Standing
from portal.tasks.doubts import Doubt

AXES = ("cycles", "memory", "size")


def search_live(search: FitSearch, request) -> Live:
    """The candidates with what was measured of each, best first, and the winner."""
    now = Standing(search)
    ranked = sorted(now.entries, key=lambda one: (not one.trials, not one.is_measured, _place(one)))
    winner = next((one for one in now.entries if one.candidate.pk == search.winner_id), None)
    context = {
        "search": search,
        "metric": tasks.get(search.task).metric_title,
        "tried": [one for one in ranked if one.trials],
        "left_out": [one for one in ranked if not one.trials],
        "winner": winner,
        "doubts": _doubts(search, winner),
        "nearest": None if winner or search.met is None else now.nearest,
        "factor": now.factor,
        "points": points(now.measured, search),
        "axes": AXES,
        "devices": _devices(search, winner),
        "left": max(0, round(seconds_left(search))) if search.job.is_active else None,
    }
    body = render_to_string("fitting/_live.html", context, request=request)
    return Live("fit-live", reverse("fit-live", args=[search.pk]), body, search.job.is_active)


def _doubts(search: FitSearch, winner: Entry | None) -> list[Doubt]:
    """Why the winner may be no good, although it keeps to the limits."""
    if winner is None or not winner.is_measured:
        return []
    return tasks.get(search.task).doubts(winner.metrics, None)


def _place(one: Entry) -> tuple:
    return -len(one.trials), not one.keeps_cost, -(one.value or 0), one.cycles or 0


def _devices(search: FitSearch, winner: Entry | None) -> list[Device]:
    """Those that the winner can be deployed to."""
    if winner is None or winner.compiled is None:
        return []
    rows = Device.objects.for_team(search.team).order_by("name")
    return [device for device in rows if deployment.fits(winner.compiled, device)]


def points(entries: list[Entry], search: FitSearch) -> list[dict]:
    """The points of the charts: each measured candidate with its accuracy and cost."""
    return [
        {
            "id": one.candidate.pk,
            "words": str(one.candidate),
            "value": 100 * one.value,
            "chosen": one.candidate.pk == search.winner_id,
            **{axis: getattr(one, axis) for axis in AXES},
            "best": [axis for axis in AXES if not _is_beaten(one, axis, entries)],
        }
        for one in entries
    ]


def _is_beaten(one: Entry, axis: str, entries: list[Entry]) -> bool:
    """Whether another candidate is as good at less cost, or better at the same cost."""
    here = getattr(one, axis)
    return here is None or any(
        getattr(other, axis) is not None
        and (other.value, -getattr(other, axis)) != (one.value, -here)
        and other.value >= one.value
        and getattr(other, axis) <= here
        for other in entries
    )
