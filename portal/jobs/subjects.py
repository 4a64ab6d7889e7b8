"""What a job is about: the run, dataset or device whose page a reader wants to go to.

Each kind of job says it for its own (``Kind.subjects``); the machine knows none of them.
"""

from __future__ import annotations

from collections.abc import Callable

from portal.jobs import kinds
from portal.jobs.kinds import Subject
from portal.jobs.models import Job
from portal.teams.models import Role

_finders: list[Callable[[set[int]], dict[int, Subject]]] = []
# Each is asked whether something that the job belongs to wants a higher role than its kind does.
_role_rules: list[Callable[[Job], str | None]] = []


def add_finder(find: Callable[[set[int]], dict[int, Subject]]) -> None:
    """Register what jobs of several kinds are about, by job id; it wins over what their kinds say."""
    _finders.append(find)


def add_role_rule(rule: Callable[[Job], str | None]) -> None:
    """Register a rule of an app above: the role that a job wants because of what it belongs to, or None."""
    _role_rules.append(rule)


def of(jobs: list[Job]) -> dict[int, Subject]:
    """The subjects of many jobs by their id; a job that was retried has that of its last retry."""
    last = _last_retries(jobs)
    ids = set(last.values())
    found: dict[int, Subject] = {}
    for name in {job.kind for job in jobs}:
        found |= kinds.get(name).subjects(ids)
    for find in _finders:
        found |= find(ids)
    return {pk: found[end] for pk, end in last.items() if end in found}


def _last_retries(jobs: list[Job]) -> dict[int, int]:
    """Each job's id with that of the retry which did its work in the end, or with its own.

    After more than three retries the middle ones lead nowhere, and their jobs have no subject.
    """
    ways = ["retried_by", "retried_by__retried_by", "retried_by__retried_by__retried_by"]
    rows = Job.objects.filter(pk__in=[job.pk for job in jobs]).order_by().values_list("pk", *ways)
    return {row[0]: [pk for pk in row if pk is not None][-1] for row in rows}


def role_for(job: Job) -> str:
    """The least role that may cancel or retry a job: an operator's where that touches a board."""
    asked = [kinds.get(job.kind).role, *(rule(job) for rule in _role_rules)]
    return max(filter(None, asked), key=list(Role).index)
