"""Hooks that let the apps above follow every job. The job machine knows no app by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from portal.jobs.models import Job


class Owner(Protocol):
    """What a job belongs to as one of several steps, such as a run."""

    def revive(self, user) -> None:
        """Continue after one of its steps was retried. Raises QuotaReached, IllegalTransition."""

    def get_absolute_url(self) -> str: ...


_on_end: list[Callable[[Job], None]] = []
_on_retry: list[Callable[[Job, Job], None]] = []
_owners: list[Callable[[Job], Owner | None]] = []


def on_end(listener: Callable[[Job], None]) -> None:
    """Call ``listener(job)`` when a job becomes final. Its exceptions are only logged."""
    _on_end.append(listener)


def on_retry(listener: Callable[[Job, Job], None]) -> None:
    """Call ``listener(old, new)`` in the transaction that replaces ``old`` with ``new``."""
    _on_retry.append(listener)


def add_owner(find: Callable[[Job], Owner | None]) -> None:
    """Register how to find a job's owner."""
    _owners.append(find)


def ended(job: Job) -> None:
    for listener in _on_end:
        listener(job)


def retried(old: Job, new: Job) -> None:
    for listener in _on_retry:
        listener(old, new)


def owner_of(job: Job) -> Owner | None:
    """The job's owner; None if it stands alone."""
    return next(filter(None, (find(job) for find in _owners)), None)
