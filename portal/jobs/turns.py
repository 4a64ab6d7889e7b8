"""Whose turn it is: which waiting job of a queue a worker takes next, and how that order is changed.

A message at the broker only wakes a worker; which job it takes is decided here, when it takes it. The team
with the fewest running jobs comes first, then the one whose last start is longest ago, so that a hundred
waiting jobs of one team hold up no other. Within a team the priority decides, then the place.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Count, Max, Min
from django.utils import timezone

from portal.jobs import kinds
from portal.jobs.models import IllegalTransition, Job, Priority, Status
from portal.teams import audit, quotas
from portal.teams.models import Team
from portal.teams.quota_usage import JobCounts

AT_WORK = (Status.RUNNING, Status.CANCELLING)
MOVES = ("first", "up", "down", "last")
LOOK_BACK = timedelta(days=7)  # an earlier start says nothing about whose turn it is
LONG_AGO = datetime.min


@dataclass
class Share:
    """How much of a queue a team has. Shares sort by whose turn it is."""

    team_id: int
    oldest: int  # the place of its oldest waiting job
    running: int = 0
    last_start: datetime | None = None
    limit: int | None = None

    @property
    def is_full(self) -> bool:
        return self.limit is not None and self.running >= self.limit

    def turn(self) -> tuple:
        return (self.running, self.last_start is not None, self.last_start or LONG_AGO, self.oldest)


def waiting(queue: str):
    """The queued jobs of a queue, each team's in the order in which they are taken."""
    return Job.objects.filter(queue=queue, status=Status.QUEUED).order_by("-priority", "place", "pk")


def shares(queue: str) -> list[Share]:
    """The teams that have something waiting, in the order of their turns."""
    heads = waiting(queue).order_by().values("team_id").annotate(oldest=Min("place"))
    found = {row["team_id"]: Share(row["team_id"], row["oldest"]) for row in heads}
    jobs = Job.objects.filter(queue=queue, team__in=found).order_by()
    for row in jobs.filter(status__in=AT_WORK).values("team_id").annotate(count=Count("pk")):
        found[row["team_id"]].running = row["count"]
    recent = jobs.filter(started_at__gt=timezone.now() - LOOK_BACK)
    for row in recent.values("team_id").annotate(last=Max("started_at")):
        found[row["team_id"]].last_start = row["last"]
    for team_id, limits in quotas.limits_of(found).items():
        found[team_id].limit = most_running(limits, queue)
    return sorted(found.values(), key=Share.turn)


def counts(team) -> JobCounts:
    """How many jobs of a team run, by queue, and how many wait in all."""
    jobs = Job.objects.filter(team=team).order_by()
    running = jobs.filter(status__in=AT_WORK).values_list("queue").annotate(count=Count("pk"))
    return JobCounts(dict(running), jobs.filter(status=Status.QUEUED).count())


def most_running(limits: quotas.Limits, queue: str) -> int | None:
    """How many jobs a team may have running in a queue: its quota, and its share where places are few."""
    bounds = [
        most for most in (limits.running.get(queue), settings.TEAM_SLOTS.get(queue)) if most is not None
    ]
    return min(bounds, default=None)


def claim_next(queue: str, worker: str) -> Job | None:
    """Take the best job of the queue that may run now; None when there is none.

    State before: queued. State after: running. What waits for a device or for its team's limit is passed
    over; the end of a job wakes a worker again.
    """
    for share in shares(queue):
        if share.is_full:
            continue
        for pk in startable(queue, share.team_id):
            job = Job.objects.filter(pk=pk).first()
            if job is None:
                continue
            if claim(job, worker):
                return job
            if _is_full(job):
                break
    return None


def startable(queue: str, team_id: int) -> list[int]:
    """A team's waiting jobs in their order, without those that wait for something, such as a device.

    The number of queries does not grow with the jobs. ``claim`` decides: the answer may be old by then.
    """
    rows = list(waiting(queue).filter(team_id=team_id).values_list("pk", "kind"))
    by_kind: dict[str, set[int]] = {}
    for pk, kind in rows:
        by_kind.setdefault(kind, set()).add(pk)
    held_up = set().union(*(kinds.get(kind).held_up(ids) for kind, ids in by_kind.items()))
    return [pk for pk, _ in rows if pk not in held_up]


def _is_full(job: Job) -> bool:
    most = most_running(quotas.limits(job.team), job.queue)
    return most is not None and _running(job) >= most


def _running(job: Job) -> int:
    return Job.objects.filter(queue=job.queue, team_id=job.team_id, status__in=AT_WORK).count()


def claim(job: Job, worker: str) -> bool:
    """Take this job if it is still queued, its team's limit allows it and its kind says so."""
    try:
        with transaction.atomic():
            # Two workers must not both take the last one that the team may have running. A lock that lets
            # others refer to the team meanwhile.
            Team.objects.select_for_update(no_key=True).get(pk=job.team_id)
            if _is_full(job) or not kinds.get(job.kind).claim(job):
                return False
            job.move_to(Status.RUNNING, f"taken by {worker}", worker=worker)
            return True
    except IllegalTransition:
        return False  # cancelled, or another worker was first


def runnable(queue: str, at_most: int) -> list[Job]:
    """Jobs that could start now, each team's first ones, ``at_most`` of them."""
    found: list[int] = []
    for share in shares(queue):
        room = at_most - len(found)
        if share.limit is not None:
            room = min(room, share.limit - share.running)
        if room > 0:
            found += startable(queue, share.team_id)[:room]
    rows = Job.objects.in_bulk(found)
    return [rows[pk] for pk in found if pk in rows]


# --- another order, for the team's administrators ----------------------------------------------


@transaction.atomic
def move(job: Job, to: str) -> None:
    """Let a queued job pass its team's others in its queue: ``first``, ``up``, ``down`` or ``last``.

    Raises IllegalTransition when it waits no longer. It takes the priority of whom it passes.
    """
    rows = list(waiting(job.queue).filter(team=job.team).select_for_update())
    index = next((number for number, row in enumerate(rows) if row.pk == job.pk), None)
    if index is None:
        job.refresh_from_db(fields=["status"])
        raise IllegalTransition(f"{job} is {job.status}: only a queued job can change its place.")
    target = {"first": 0, "up": max(0, index - 1), "down": min(len(rows) - 1, index + 1)}.get(
        to, len(rows) - 1
    )
    if target == index:
        return
    rows.insert(target, rows.pop(index))
    rows[target].priority = rows[target + 1 if target < index else target - 1].priority
    _renumber(rows)
    audit.record("job.move", job, detail=to)
    job.refresh_from_db(fields=["priority", "place"])


def _renumber(rows: list[Job]) -> None:
    """Write the places of ``rows`` in their order: the places stay the same numbers, dealt out anew."""
    places = sorted(row.place for row in rows)
    for number, row in enumerate(rows):
        # Two of one microsecond would stay together otherwise.
        row.place = places[number] if number == 0 else max(places[number], rows[number - 1].place + 1)
    Job.objects.bulk_update(rows, ["priority", "place"])


def prioritise(job: Job, priority: int) -> None:
    """Give a queued job another priority among its team's; IllegalTransition when it waits no longer."""
    priority = Priority(priority)
    if not Job.objects.filter(pk=job.pk, status=Status.QUEUED).update(priority=priority):
        job.refresh_from_db(fields=["status"])
        raise IllegalTransition(f"{job} is {job.status}: only a queued job can change its place.")
    job.priority = priority
    audit.record("job.priority", job, detail=priority.label)
