"""Team quotas: running jobs, queued jobs, storage. The lowest of three limits applies.

The server's settings are the ceiling of every team; the server's administrator may set a lower limit for one
team, and the team's own administrator an even lower one. Zero in a setting and an empty field mean no limit.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.conf import settings

from portal.core.messages import word
from portal.teams import audit
from portal.teams.models import Quota, Team
from workers.contract import InputError
from workers.contract.messages import msg

QUEUES = ("default", "train", "convert", "deploy")
RUNNING = tuple(f"running_{queue}" for queue in QUEUES)
FIELDS = (*RUNNING, "queued", "storage_mb")
MIB = 1024 * 1024


class QuotaReached(InputError):
    """A limit of the team is reached; the message names it and says what to do."""


@dataclass(frozen=True)
class Limits:
    """A team's effective limits; None for no limit. ``running`` is by queue, ``storage`` in bytes."""

    running: dict[str, int | None]
    queued: int | None
    storage: int | None


def ceilings() -> dict[str, int | None]:
    """The server's settings, by the fields of Quota."""
    found = dict.fromkeys(RUNNING, settings.TEAM_RUNNING_JOBS or None)
    storage = settings.TEAM_QUOTA_BYTES // MIB
    return found | {"queued": settings.TEAM_QUEUED_JOBS or None, "storage_mb": storage or None}


def least(*values: int | None) -> int | None:
    return min((value for value in values if value is not None), default=None)


def limits_of(team_ids) -> dict[int, Limits]:
    """The limits of several teams with one query."""
    rows: dict[int, list[Quota]] = {pk: [] for pk in team_ids}
    for row in Quota.objects.filter(team__in=rows):
        rows[row.team_id].append(row)
    return {pk: _together(found) for pk, found in rows.items()}


def _together(rows: list[Quota]) -> Limits:
    top = ceilings()
    value = {name: least(top[name], *(getattr(row, name) for row in rows)) for name in FIELDS}
    set_here = least(*(row.storage_mb for row in rows))
    # The setting in bytes, not rounded to whole MB.
    storage = least(settings.TEAM_QUOTA_BYTES or None, None if set_here is None else set_here * MIB)
    running = {queue: value[f"running_{queue}"] for queue in QUEUES}
    return Limits(running, value["queued"], storage)


def limits(team: Team) -> Limits:
    return limits_of([team.pk])[team.pk]


def set_quota(team: Team, by: str, values: dict[str, int | None]) -> None:
    """Save one administrator's limits; ``values`` by the fields of Quota."""
    row, _made = Quota.objects.get_or_create(team=team, by=by)
    changed = {name: value for name, value in values.items() if getattr(row, name) != value}
    if not changed:
        return
    for name, value in changed.items():
        setattr(row, name, value)
    row.save(update_fields=list(changed))
    words = ", ".join(f"{name} {'–' if value is None else value}" for name, value in changed.items())
    audit.record("team.quota", team, detail=msg("{by}: {words}", by=word(Quota.By(by).label), words=words))
