"""Which versions the apps above use; such a version can be hidden but never removed."""

from __future__ import annotations

from collections.abc import Callable

from django.db.models import Q, QuerySet

_users: list[Callable[[], QuerySet]] = []


def add_user(version_ids: Callable[[], QuerySet]) -> None:
    """Register a query of the ids of versions in use."""
    _users.append(version_ids)


def used() -> Q:
    """The condition on versions in use."""
    found = Q(pk__in=[])
    for version_ids in _users:
        found |= Q(pk__in=version_ids())
    return found


def is_used(version) -> bool:
    return type(version).objects.filter(used(), pk=version.pk).exists()


_reading_jobs: list[str] = []


def add_reading_jobs(path: str) -> None:
    """Register how jobs that read a version's staged folder lead to its content hash: an ORM path."""
    _reading_jobs.append(path)


def is_read(content_hash: str, jobs: QuerySet) -> bool:
    """Whether one of the jobs reads the content."""
    return any(jobs.filter(**{path: content_hash}).exists() for path in _reading_jobs)
