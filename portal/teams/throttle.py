"""Throttles guesses at passwords, on the sign-in page and in the API alike.

It counts failed sign-ins in the audit, so there is one truth for all processes and nothing to expire.
Three limits, because each alone is easily walked around or would lock out the wrong people: one name from
one address, one address over all names (a class room may share it), one name from everywhere.
"""

from __future__ import annotations

import math
from datetime import timedelta

from django.utils import timezone

from portal.teams import audit
from portal.teams.models import AuditEntry, Result, User

WINDOW = timedelta(minutes=15)
PER_NAME_AND_ADDRESS = 10
PER_ADDRESS = 50
PER_NAME = 100
SIGN_IN = "sign-in.password"


def wait_seconds(name: str, address: str | None) -> int:
    """How long this name must wait at this address before the next attempt; 0 for not at all."""
    now = timezone.now()
    failures = AuditEntry.objects.filter(verb=SIGN_IN, result=Result.REFUSED, at__gt=now - WINDOW)
    name = audit.clean(name, 200)  # as it was recorded
    own = failures.filter(object_label=name)
    limits = (
        (_since_success(own, name, address).filter(address=address), PER_NAME_AND_ADDRESS),
        (failures.filter(address=address), PER_ADDRESS),
        (own, PER_NAME),
    )
    waits = [0]
    for rows, limit in limits:
        # The attempt that must leave the window before there is room for another.
        oldest = rows.order_by("-at").values_list("at", flat=True)[limit - 1 : limit].first()
        if oldest is not None:
            waits.append(math.ceil((oldest + WINDOW - now).total_seconds()))
    return max(waits)


def _since_success(rows, name: str, address: str | None):
    done = AuditEntry.objects.filter(verb=SIGN_IN, result=Result.DONE, object_label=name, address=address)
    last = done.order_by("-id").values_list("at", flat=True).first()
    return rows if last is None else rows.filter(at__gt=last)


def failed(name: str) -> None:
    """Count one wrong password. ``name`` is as it was typed."""
    user = User.objects.filter(username=name).first()
    audit.refused(SIGN_IN, user, label=name, detail="wrong name or password")


def sentence(seconds: int) -> str:
    minutes = max(1, math.ceil(seconds / 60))
    return (
        f"Too many wrong passwords: wait {minutes} minute{'' if minutes == 1 else 's'} and try again, "
        "or ask an administrator of your team for a new password."
    )
