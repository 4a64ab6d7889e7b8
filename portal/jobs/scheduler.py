"""The scheduler: which queued job of a queue a worker takes next, and how people change that order.

A message from the broker only wakes a worker; the job is chosen here, at that moment. The team with the
fewest running jobs comes first, then the one that started a job least recently, so a hundred queued jobs of
one team do not delay another. Within a team, priority decides, then place.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Count, Max, Min, Q
from django.utils import timezone

from portal.core.messages import word
from portal.jobs import kinds, sites
from portal.jobs.models import IN_WORDS, IllegalTransition, Job, Priority, Status
from portal.teams import audit, quotas
from portal.teams.models import Team
from portal.teams.quota_usage import JobCounts
from workers.contract.messages import msg

RUNNING_STATUSES = (Status.RUNNING, Status.CANCELLING)
QUEUE_MOVES = ("first", "up", "down", "last")
START_HISTORY = timedelta(days=7)  # an earlier start does not count
NEVER_STARTED = datetime.min


@dataclass
class TeamShare:
    """How much of a queue a team uses. The team whose ``order`` is smallest comes next."""

    team_id: int
    oldest: int  # the place of its oldest waiting job
    running: int = 0
    last_start: datetime | None = None
    limit: int | None = None

    @property
    def is_full(self) -> bool:
        return self.limit is not None and self.running >= self.limit

    def order(self) -> tuple:
        return (self.running, self.last_start is not None, self.last_start or NEVER_STARTED, self.oldest)


def waiting(queue: str):
    """The queued jobs of a queue; each team's are in the order in which workers take them."""
    return Job.objects.filter(queue=queue, status=Status.QUEUED).order_by("-priority", "place", "pk")


def team_shares(queue: str) -> list[TeamShare]:
    """The teams that have queued jobs, the next one first."""
    heads = waiting(queue).order_by().values("team_id").annotate(oldest=Min("place"))
    found = {row["team_id"]: TeamShare(row["team_id"], row["oldest"]) for row in heads}
    jobs = Job.objects.filter(queue=queue, team__in=found).order_by()
    for row in jobs.filter(status__in=RUNNING_STATUSES).values("team_id").annotate(count=Count("pk")):
        found[row["team_id"]].running = row["count"]
    recent = jobs.filter(started_at__gt=timezone.now() - START_HISTORY)
    for row in recent.values("team_id").annotate(last=Max("started_at")):
        found[row["team_id"]].last_start = row["last"]
    limits = quotas.limits_of(found)
    elsewhere = running_elsewhere(queue, [pk for pk, row in limits.items() if _quota(row, queue) is not None])
    for team_id, row in limits.items():
        found[team_id].limit = running_limit(row, queue, elsewhere.get(team_id, 0))
    return sorted(found.values(), key=TeamShare.order)


def counts(team) -> JobCounts:
    """The number of a team's running jobs by queue, and of all its queued jobs."""
    jobs = Job.objects.filter(team=team).order_by()
    rows = jobs.filter(status__in=RUNNING_STATUSES).values_list("queue").annotate(count=Count("pk"))
    running: dict[str, int] = {}
    for queue, count in rows:
        base = sites.base_of(queue)
        running[base] = running.get(base, 0) + count
    return JobCounts(running, jobs.filter(status=Status.QUEUED).count())


def running_limit(limits: quotas.Limits, queue: str, elsewhere: int = 0) -> int | None:
    """How many jobs of a queue a team may run at once: its quota, or its share of the slots if that is less.

    The quota is for all sites together: ``elsewhere`` of the team's jobs run in the other queues of the same
    base. The slots are those of the workers of one site. None means no limit.
    """
    quota, share = _quota(limits, queue), settings.TEAM_SLOTS.get(sites.base_of(queue))
    here = None if quota is None else max(0, quota - elsewhere)
    return min((most for most in (here, share) if most is not None), default=None)


def _quota(limits: quotas.Limits, queue: str) -> int | None:
    return limits.running.get(sites.base_of(queue))


def running_elsewhere(queue: str, team_ids) -> dict[int, int]:
    """How many jobs of each team run in the queues of the same base at other sites, if any do."""
    base = sites.base_of(queue)
    if not team_ids or base not in sites.BOARD_QUEUES:
        return {}
    others = Job.objects.filter(Q(queue=base) | Q(queue__startswith=f"{base}.")).exclude(queue=queue)
    rows = others.filter(team__in=team_ids, status__in=RUNNING_STATUSES).order_by().values_list("team_id")
    return dict(rows.annotate(count=Count("pk")))


def claim_next(queue: str, worker: str) -> Job | None:
    """Claim the first job of the queue that can run now; None if there is none.

    State before: queued. State after: running. A job that waits for a device or for its team's limit is
    skipped; the end of a job wakes a worker again.
    """
    for share in team_shares(queue):
        if share.is_full:
            continue
        for pk in startable_jobs(queue, share.team_id):
            job = Job.objects.filter(pk=pk).first()
            if job is None:
                continue
            if claim(job, worker):
                return job
            if _is_full(job):
                break
    return None


def startable_jobs(queue: str, team_id: int) -> list[int]:
    """A team's queued jobs in order, without those that wait for something else, such as a device.

    The number of queries is constant. ``claim`` checks again, as the result may be out of date by then.
    """
    rows = list(waiting(queue).filter(team_id=team_id).values_list("pk", "kind"))
    by_kind: dict[str, set[int]] = {}
    for pk, kind in rows:
        by_kind.setdefault(kind, set()).add(pk)
    held_up = set().union(*(kinds.get(kind).held_up(ids) for kind, ids in by_kind.items()))
    return [pk for pk, _ in rows if pk not in held_up]


def _is_full(job: Job) -> bool:
    limits, queue = quotas.limits(job.team), job.queue
    has_quota = _quota(limits, queue) is not None
    elsewhere = running_elsewhere(queue, [job.team_id]) if has_quota else {}
    most = running_limit(limits, queue, elsewhere.get(job.team_id, 0))
    return most is not None and _running(job) >= most


def _running(job: Job) -> int:
    return Job.objects.filter(queue=job.queue, team_id=job.team_id, status__in=RUNNING_STATUSES).count()


def claim(job: Job, worker: str) -> bool:
    """Move this job to running if it is still queued and both its team's limit and its kind allow it."""
    try:
        with transaction.atomic():
            # Two workers must not both take the last slot of a team. ``no_key`` lets other transactions
            # insert rows that refer to the team meanwhile.
            Team.objects.select_for_update(no_key=True).get(pk=job.team_id)
            if _is_full(job) or not kinds.get(job.kind).claim(job):
                return False
            job.move_to(Status.RUNNING, msg("taken by {worker}", worker=worker), worker=worker)
            return True
    except IllegalTransition:
        return False  # cancelled, or claimed by another worker


def jobs_to_start(queue: str, at_most: int) -> list[Job]:
    """Up to ``at_most`` jobs that could start now, the first ones of each team."""
    found: list[int] = []
    for share in team_shares(queue):
        room = at_most - len(found)
        if share.limit is not None:
            room = min(room, share.limit - share.running)
        if room > 0:
            found += startable_jobs(queue, share.team_id)[:room]
    rows = Job.objects.in_bulk(found)
    return [rows[pk] for pk in found if pk in rows]


# --- reordering, by the team's administrators ---------------------------------------------------


@transaction.atomic
def move(job: Job, to: str) -> None:
    """Move a queued job within its team's part of the queue: ``first``, ``up``, ``down`` or ``last``.

    The job takes the priority of the job that it passes. Raises IllegalTransition if it is no longer queued.
    """
    rows = list(waiting(job.queue).filter(team=job.team).select_for_update())
    index = next((number for number, row in enumerate(rows) if row.pk == job.pk), None)
    if index is None:
        job.refresh_from_db(fields=["status"])
        raise _no_longer_queued(job)
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
    """Give ``rows`` their places in their present order; the set of numbers stays the same."""
    places = sorted(row.place for row in rows)
    for number, row in enumerate(rows):
        # Two jobs queued in the same microsecond have the same place.
        row.place = places[number] if number == 0 else max(places[number], rows[number - 1].place + 1)
    Job.objects.bulk_update(rows, ["priority", "place"])


def set_priority(job: Job, priority: int) -> None:
    """Change a queued job's priority within its team. Raises IllegalTransition if it is no longer queued."""
    priority = Priority(priority)
    if not Job.objects.filter(pk=job.pk, status=Status.QUEUED).update(priority=priority):
        job.refresh_from_db(fields=["status"])
        raise _no_longer_queued(job)
    job.priority = priority
    audit.record("job.priority", job, detail=word(priority.label))


def _no_longer_queued(job: Job) -> IllegalTransition:
    status = IN_WORDS[job.status]
    return IllegalTransition(
        msg("{job} is {status}: only a queued job can change its place.", job=job, status=status)
    )
