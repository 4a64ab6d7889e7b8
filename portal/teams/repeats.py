"""Repeated refusals share one audit entry, with a counter.

So nobody floods the audit with refusals: one caller creates at most KINDS_TOGETHER + 1 entries a minute.
"""

from __future__ import annotations

from datetime import timedelta

from django.db.models import F, QuerySet
from django.utils import timezone

from portal.core.addresses import site
from portal.teams.models import AuditEntry, RepeatedRefusal, Result

TOGETHER = timedelta(minutes=1)  # refused calls of one kind within it share an entry
KINDS_TOGETHER = 20  # so many kinds per caller get entries of their own
OTHER_CALLS = "other calls"
LONGEST_NAME = 20  # a longer path component is an id


def refusals(verb: str, within: timedelta, network: str) -> QuerySet[AuditEntry]:
    """Recent refusals of this network; for IPv6 of its whole site."""
    rows = AuditEntry.objects.filter(verb=verb, at__gt=timezone.now() - within, result=Result.REFUSED)
    around = site(network)
    return rows.filter(network__range=around) if around else rows.filter(network=network)


def of_kind(rows: QuerySet[AuditEntry], label: str) -> tuple[AuditEntry | None, str]:
    """The entry to count a refused call with, or None, and the label for a new entry.

    Paths that differ only in ids are of one kind; beyond KINDS_TOGETHER kinds, all others share one.
    """
    found = list(rows[: KINDS_TOGETHER + 1])
    same = next((row for row in found if _kind(row.object_label) == _kind(label)), None)
    if same is None and len(found) >= KINDS_TOGETHER:
        return next((row for row in found if row.object_label == OTHER_CALLS), None), OTHER_CALLS
    return same, label


def count(entry: AuditEntry) -> None:
    """Count a repetition of an entry."""
    row, is_new = RepeatedRefusal.objects.get_or_create(entry=entry, defaults={"times": 2})
    if not is_new:
        RepeatedRefusal.objects.filter(pk=row.pk).update(times=F("times") + 1)


def _kind(label: str) -> list[str]:
    """A call's method and path without ids."""
    parts = label.split("/")
    return ["#" if part.isdigit() or len(part) > LONGEST_NAME else part for part in parts]
