"""The queue as one team sees it, as a page and as data. Jobs of other teams appear without details."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from portal.core.live import Live
from portal.core.messages import shown
from portal.jobs import forecast, sites, subjects
from portal.jobs.forecast import Entry

ROWS_AT_MOST = 60  # of one queue
TITLES = {
    "default": _("Checks of uploads"),
    "train": _("Training"),
    "convert": _("Conversion"),
    "deploy": _("Boards"),
    "camera": _("Cameras"),
}
MOVES = [
    # (URL, icon, text)
    ("first", "chevron-bar-up", _("To the front")),
    ("up", "chevron-up", _("One forward")),
    ("down", "chevron-down", _("One back")),
    ("last", "chevron-bar-down", _("To the end")),
]


@dataclass
class Row:
    """One job of the team, or several consecutive jobs of other teams (``entry`` is None then)."""

    entry: Entry | None
    host: str = ""
    since: datetime | None = None
    subject: subjects.Subject | None = None
    count: int = 1
    first: int | None = None  # positions of waiting jobs of other teams
    last: int | None = None


@dataclass
class Panel:
    name: str
    title: str
    running: list[Entry]
    count: int  # waiting
    rows: list[Row]
    more: int
    idle_since: datetime | None
    problem: str


def host_of(job) -> str:
    """The machine of the worker that runs a job."""
    return job.worker.split(":")[0]


def live(request) -> Live:
    """The live part of the page."""
    queues = forecast.queues_by_name()
    mine = [entry.job for queue in queues.values() for entry in (*queue.running, *queue.waiting)]
    known = subjects.of([job for job in mine if job.team_id == request.team.pk])
    panels = [
        _panel(queue, request.team, known) for queue in queues.values() if _is_shown(queue, request.team)
    ]
    context = {"queues": panels, "moves": MOVES}
    body = render_to_string("jobs/_queue.html", context, request=request)
    return Live("queue-live", reverse("job-list-live"), body, bool(mine))


def _is_shown(queue: forecast.Queue, team) -> bool:
    """Other teams' sites are theirs alone."""
    entries = (*queue.running, *queue.waiting)
    return not sites.site_of(queue.name) or any(entry.job.team_id == team.pk for entry in entries)


def _panel(queue: forecast.Queue, team, known: dict) -> Panel:
    rows: list[Row] = []
    shown = 0
    for entry in (*queue.running, *queue.waiting):
        own = entry.job.team_id == team.pk
        if not own and entry.position and rows and rows[-1].entry is None and rows[-1].first:
            rows[-1].count, rows[-1].last = rows[-1].count + 1, entry.position
            shown += 1
            continue
        if len(rows) >= ROWS_AT_MOST:
            break
        rows.append(_own(entry, known) if own else _other(entry))
        shown += 1
    more = len(queue.running) + len(queue.waiting) - shown
    title, idle, problem = _title(queue.name), queue.idle_since, queue.problem
    return Panel(queue.name, title, queue.running, len(queue.waiting), rows, more, idle, problem)


def _title(queue: str) -> str:
    title, site = TITLES[sites.base_of(queue)], sites.site_of(queue)
    return gettext("%(title)s at the site %(site)s") % {"title": title, "site": site} if site else title


def _own(entry: Entry, known: dict) -> Row:
    return Row(entry, host_of(entry.job), subject=known.get(entry.job.pk))


def _other(entry: Entry) -> Row:
    since = None if entry.position else entry.job.started_at
    return Row(None, host_of(entry.job), since, first=entry.position, last=entry.position)


def as_data(team) -> list[dict]:
    """The queues for the API."""
    return [
        {
            "queue": queue.name,
            "idle_since": queue.idle_since,
            "site": sites.site_of(queue.name),
            "problem": shown(queue.problem),
            "running": [_entry(entry, team) for entry in queue.running],
            "waiting": [_entry(entry, team) for entry in queue.waiting],
        }
        for queue in forecast.queues_by_name().values()
        if _is_shown(queue, team)
    ]


def _entry(entry: Entry, team) -> dict:
    job = entry.job
    row = {
        "id": None, "mine": False, "kind": None, "created_by": None, "priority": None, "phase": None,
        "percent": None, "host": host_of(job), "queued_at": None, "started_at": job.started_at,
        "position": entry.position, "starts_in": _whole(entry.starts_in), "ends_in": _whole(entry.ends_in),
        "waits_for": None, "problem": "",
    }  # fmt: skip
    if job.team_id != team.pk:
        return row
    return row | {
        "id": job.pk, "mine": True, "kind": job.kind,
        "created_by": job.created_by.get_username() if job.created_by else None, "priority": job.priority,
        "phase": job.phase, "percent": job.percent, "queued_at": job.queued_at,
        "waits_for": entry.waits_for or None, "problem": shown(entry.problem),
    }  # fmt: skip


def _whole(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds)
