"""The subject of a job: the run, dataset or device whose page a reader wants.

Each kind of job provides its own (``Kind.subjects``).
"""

from __future__ import annotations

from collections.abc import Callable

from portal.jobs import kinds
from portal.jobs.kinds import Subject
from portal.jobs.models import Job
from portal.teams.models import Role

_finders: list[Callable[[set[int]], dict[int, Subject]]] = []
# Each returns the higher role that a job's owner requires, if any.
_role_rules: list[Callable[[Job], str | None]] = []


def add_finder(find: Callable[[set[int]], dict[int, Subject]]) -> None:
    """Register subjects of jobs of several kinds, by job id; they win over those of ``Kind.subjects``."""
    _finders.append(find)


def add_role_rule(rule: Callable[[Job], str | None]) -> None:
    """Register a rule of an app above: the role that a job's owner requires, or None."""
    _role_rules.append(rule)


def of(jobs: list[Job]) -> dict[int, Subject]:
    """The subjects of many jobs, by id. A retried job has the subject of its last retry."""
    last = _last_retries(jobs)
    ids = set(last.values())
    found: dict[int, Subject] = {}
    for name in {job.kind for job in jobs}:
        found |= kinds.get(name).subjects(ids)
    for find in _finders:
        found |= find(ids)
    return {pk: found[end] for pk, end in last.items() if end in found}


def _last_retries(jobs: list[Job]) -> dict[int, int]:
    """Each job's id with the id of its last retry, or its own.

    Beyond three retries, the jobs in the middle have no subject.
    """
    ways = ["retried_by", "retried_by__retried_by", "retried_by__retried_by__retried_by"]
    rows = Job.objects.filter(pk__in=[job.pk for job in jobs]).order_by().values_list("pk", *ways)
    return {row[0]: [pk for pk in row if pk is not None][-1] for row in rows}


def role_for(job: Job) -> str:
    """The minimum role to cancel or retry a job: operator if it touches a board."""
    asked = [kinds.get(job.kind).role, *(rule(job) for rule in _role_rules)]
    return max(filter(None, asked), key=list(Role).index)
