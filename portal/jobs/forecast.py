"""Predicts in which order queued jobs will start, and when. Read-only.

The order comes from simulating ``scheduler``, the times from recent durations of the same kind and recipe. If
a duration is unknown, the jobs behind it get no time.
"""

from __future__ import annotations

import heapq
import math
import statistics
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import reduce
from operator import or_

from django.db.models import Max, Q
from django.utils import timezone

from portal.jobs import sites
from portal.jobs.models import ACTIVE, Job, Status
from portal.jobs.scheduler import START_HISTORY, TeamShare
from portal.teams import quotas

LATELY = 200  # recent jobs of a kind to consider
ENOUGH = 10  # recent jobs of a kind and recipe for the median
LEAST_SHARE = 0.05  # share of a job after which its own pace gives the estimate
UNKNOWN = math.inf
IDLE_AFTER = timedelta(seconds=60)  # a free worker takes a job within a second


@dataclass
class Entry:
    """One job in a queue. Times are in seconds from now; None if unknown."""

    job: Job
    ends_in: float | None = None
    position: int | None = None  # of a waiting job, from 1
    starts_in: float | None = None
    waits_for: str = ""  # "turn", "limit", "device" or "site"
    limit: int | None = None  # its team's limit, if that is what it waits for
    problem: str = ""  # a sentence, if it waits for a worker that serves its site

    @property
    def lock(self):
        """The lock that no two jobs may hold at once: a board, by its address."""
        return self.job.resource or None


@dataclass
class Queue:
    """One queue: running jobs, longest first, and waiting jobs in order."""

    name: str
    running: list[Entry] = field(default_factory=list)
    waiting: list[Entry] = field(default_factory=list)
    idle_since: datetime | None = None  # no job was taken since then, although one could have been
    problem: str = ""  # a sentence, if no worker serves the queue's site

    def entry_of(self, job: Job) -> Entry | None:
        return next((entry for entry in self.waiting if entry.job.pk == job.pk), None)


def queues_by_name(names=quotas.QUEUES) -> dict[str, Queue]:
    """The queues by name, with those of their sites that have jobs. The number of database queries does not
    grow with their length.
    """
    found = {name: Queue(name) for name in names}
    waiting: dict[str, list[Entry]] = defaultdict(list)
    jobs = Job.objects.filter(_in_queues(names), status__in=ACTIVE)
    jobs = jobs.select_related("created_by").defer("result", "message")
    for job in jobs.order_by("-priority", "place", "pk"):
        queue = found.setdefault(job.queue, Queue(job.queue))
        rows = waiting[job.queue] if job.status == Status.QUEUED else queue.running
        rows.append(Entry(job))
    if not any(queue.running for queue in found.values()) and not waiting:
        return found
    seconds = _durations({entry.job.kind for entry in _all(found, waiting)})
    for queue in found.values():
        queue.running.sort(key=lambda entry: entry.job.started_at or timezone.now())
        for entry in queue.running:
            entry.ends_in = _rest(entry.job, seconds.get(_key(entry.job)))
    for name, entries in waiting.items():
        found[name].waiting = _Play(found[name], entries, seconds).order()
    _find_unserved([queue for queue in found.values() if queue.waiting])
    _find_idle([queue for queue in found.values() if queue.waiting and not queue.running])
    return found


def _in_queues(names) -> Q:
    at_sites = (Q(queue__startswith=f"{name}.") for name in names if name in sites.BOARD_QUEUES)
    return reduce(or_, at_sites, Q(queue__in=names))


def _find_unserved(queues: list[Queue]) -> None:
    """Flag queues of sites that no worker serves."""
    unserved = sites.unserved(queue.name for queue in queues)
    for queue in queues:
        if queue.name in unserved:
            queue.problem = sites.sentence(queue.name)
            for entry in queue.waiting:
                entry.problem, entry.waits_for = queue.problem, "site"
                entry.starts_in = entry.ends_in = None


def _find_idle(queues: list[Queue]) -> None:
    """Flag queues that no worker serves: their start times are unknown."""
    if not queues:
        return
    jobs = Job.objects.filter(queue__in=[queue.name for queue in queues]).exclude(finished_at=None)
    ended = dict(jobs.order_by().values_list("queue").annotate(last=Max("finished_at")))
    for queue in queues:
        since = max(queue.waiting[0].job.queued_at, ended.get(queue.name) or queue.waiting[0].job.queued_at)
        if timezone.now() - since > IDLE_AFTER:
            queue.idle_since = since
            for entry in queue.waiting:
                entry.starts_in = entry.ends_in = None


def place_of(jobs) -> dict[int, Entry]:
    """The places of those ``jobs`` that are queued, by id."""
    queued = [job for job in jobs if job is not None and job.status == Status.QUEUED]
    if not queued:
        return {}
    queues = queues_by_name({job.queue for job in queued})
    found = {job.pk: queues[job.queue].entry_of(job) for job in queued}
    return {pk: entry for pk, entry in found.items() if entry is not None}


def _all(found: dict[str, Queue], waiting: dict[str, list[Entry]]):
    for queue in found.values():
        yield from queue.running
    for entries in waiting.values():
        yield from entries


def _key(job) -> tuple[str, str]:
    return job.kind, job.variant


def _durations(kinds: set[str]) -> dict[tuple[str, str], float]:
    """Median duration in seconds of recent successes, by kind and variant."""
    samples: dict[tuple[str, str], list[float]] = defaultdict(list)
    for kind in kinds:
        done = Job.objects.filter(kind=kind, status=Status.SUCCEEDED)
        rows = done.order_by("-pk").values_list("variant", "started_at", "finished_at")[:LATELY]
        for variant, started, finished in rows:
            if started and finished and len(samples[kind, variant]) < ENOUGH:
                samples[kind, variant].append((finished - started).total_seconds())
    return {key: statistics.median(found) for key, found in samples.items() if found}


def _rest(job: Job, usual: float | None) -> float | None:
    """Remaining seconds of a running job, by its own pace or by the usual duration."""
    spent = job.seconds or 0.0
    share = job.done / job.total if job.total else 0.0
    if LEAST_SHARE <= share <= 1:
        return spent * (1 - share) / share
    return usual - spent if usual is not None and usual > spent else None


class _Play:
    """Simulates one queue, with as many slots as it has running jobs, at least one."""

    def __init__(self, queue: Queue, entries: list[Entry], seconds: dict):
        self.seconds = seconds
        self.running = Counter(entry.job.team_id for entry in queue.running)
        self.busy = {entry.lock for entry in queue.running} - {None}
        self.free = max(1, len(queue.running)) - len(queue.running)
        self.ends: list[tuple] = []
        self.serial = 0
        self.now = 0.0
        for entry in queue.running:
            self._will_end(entry, UNKNOWN if entry.ends_in is None else entry.ends_in)
        self.of_team: dict[int, list[Entry]] = defaultdict(list)
        for entry in entries:
            self.of_team[entry.job.team_id].append(entry)
        self.limits = {
            pk: limits.running.get(sites.base_of(queue.name))
            for pk, limits in quotas.limits_of(self.of_team).items()
        }
        self.oldest = {pk: min(row.job.place for row in rows) for pk, rows in self.of_team.items()}
        self.last = _last_starts(queue.name, self.of_team)
        self._set_reasons()

    def _will_end(self, entry: Entry, end: float) -> None:
        self.serial += 1
        heapq.heappush(self.ends, (end, self.serial, entry))

    def _is_full(self, team_id: int) -> bool:
        limit = self.limits[team_id]
        return limit is not None and self.running[team_id] >= limit

    def _set_reasons(self) -> None:
        """What each job waits for now."""
        for team_id, entries in self.of_team.items():
            for entry in entries:
                if self._is_full(team_id):
                    entry.waits_for, entry.limit = "limit", self.limits[team_id]
                else:
                    entry.waits_for = "device" if entry.lock in self.busy else "turn"

    def order(self) -> list[Entry]:
        placed: list[Entry] = []
        while any(self.of_team.values()):
            entry = self._next() if self.free else None
            if entry is not None:
                placed.append(entry)
                self._start(entry, len(placed))
            elif self.ends:
                self._end_one()
            else:  # a limit of zero: these never start
                for rest in self.of_team.values():
                    placed += rest
                break
        return placed

    def _next(self) -> Entry | None:
        """The job that a free worker would take now."""
        shares = [
            TeamShare(pk, self.oldest[pk], self.running[pk], self.last.get(pk))
            for pk, entries in self.of_team.items()
            if entries and not self._is_full(pk)
        ]
        for share in sorted(shares, key=TeamShare.order):
            for entry in self.of_team[share.team_id]:
                if entry.lock not in self.busy:
                    return entry
        return None

    def _start(self, entry: Entry, position: int) -> None:
        team_id = entry.job.team_id
        self.of_team[team_id].remove(entry)
        self.running[team_id] += 1
        # A moment later than every earlier start: fairness goes by start time.
        self.last[team_id] = timezone.now()
        if entry.lock:
            self.busy.add(entry.lock)
        self.free -= 1
        entry.position = position
        usual = self.seconds.get(_key(entry.job))
        if self.now != UNKNOWN:
            entry.starts_in = self.now
            entry.ends_in = None if usual is None else self.now + usual
        self._will_end(entry, UNKNOWN if entry.ends_in is None else entry.ends_in)

    def _end_one(self) -> None:
        end, _serial, entry = heapq.heappop(self.ends)
        self.now = max(self.now, end) if end != UNKNOWN else UNKNOWN
        self.running[entry.job.team_id] -= 1
        self.busy.discard(entry.lock)
        self.free += 1


def _last_starts(queue: str, teams) -> dict:
    recent = Job.objects.filter(queue=queue, team__in=teams, started_at__gt=timezone.now() - START_HISTORY)
    return dict(recent.order_by().values_list("team_id").annotate(last=Max("started_at")))
