"""A team's usage. Each app above counts what it stores and runs; this module adds it up."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from django.utils.translation import gettext as _

from portal.teams import quotas
from portal.teams.models import Team
from workers.datakit.limits import human_bytes


@dataclass(frozen=True)
class StoragePart:
    """One category of stored files: its API name, its title, and how to count a team's bytes."""

    name: str
    title: str
    count: Callable[[Team], int]


@dataclass(frozen=True)
class JobCounts:
    """``running`` by queue; ``queued`` in total."""

    running: dict[str, int] = field(default_factory=dict)
    queued: int = 0


_storage_parts: dict[str, StoragePart] = {}
_job_counter: list[Callable[[Team], JobCounts]] = []


def add_storage(part: StoragePart) -> None:
    """Register a category of stored files. Each byte belongs to one category."""
    _storage_parts[part.name] = part


def count_jobs_by(count: Callable[[Team], JobCounts]) -> None:
    """Register how to count jobs, which only the job machine knows."""
    _job_counter[:] = [count]


def jobs_of(team: Team) -> JobCounts:
    return _job_counter[0](team) if _job_counter else JobCounts()


def storage_of(team: Team) -> dict[str, int]:
    """Bytes by category."""
    return {name: part.count(team) for name, part in _storage_parts.items()}


def storage_parts() -> list[StoragePart]:
    return list(_storage_parts.values())


def left(team: Team) -> int | None:
    """Remaining storage in bytes; None without a quota."""
    most = quotas.limits(team).storage
    return None if most is None else max(0, most - sum(storage_of(team).values()))


def refuse_if_full(team: Team) -> None:
    """Raise QuotaReached if there is no room for a run's results."""
    if left(team) == 0:
        raise quotas.QuotaReached(
            _(
                "The team %(team)s has used all of its %(most)s of storage: remove datasets or discard "
                "unfinished uploads, or ask an administrator for more."
            )
            % {"team": team.name, "most": human_bytes(quotas.limits(team).storage)}
        )
