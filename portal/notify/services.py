"""Emits events to people and other systems. All events go through here."""

from __future__ import annotations

import logging
from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from portal.notify import notices, webhooks
from portal.notify.events import EVENTS
from portal.notify.models import Audience, Choice, Notification

logger = logging.getLogger(__name__)
KEPT = timedelta(days=90)


def emit(name: str, team, subject) -> None:
    """Record an event about ``subject``, in the caller's transaction.

    Nothing is sent here: rows are written, and workers are woken once the transaction is committed. It never
    raises, so that a failing notification undoes nothing.
    """
    try:
        with transaction.atomic():
            event = EVENTS[name]
            facts = notices.notify_members(event, team, subject)
            if event.for_webhooks:
                webhooks.order(event.name, team, facts.data)
    except Exception:
        logger.exception("nobody was told of %s of %s", name, subject)


def choices_of(user) -> dict[str, tuple[str, str]]:
    """(portal, mail) for every event, as chosen or by default."""
    rows = {row.event: row for row in Choice.objects.filter(user=user)}
    found = {}
    for name, event in EVENTS.items():
        row = rows.get(name)
        found[name] = (row.portal, row.mail) if row else (str(event.portal), str(Audience.NOTHING))
    return found


def choose(user, chosen: dict[str, tuple[str, str]]) -> None:
    """Save a person's settings: (portal, mail) by event."""
    for name, (portal, mail) in chosen.items():
        Choice.objects.update_or_create(user=user, event=name, defaults={"portal": portal, "mail": mail})


def mark_read(rows) -> int:
    return rows.unread().update(read_at=timezone.now())


def sweep() -> None:
    """Before: notices of any age. After: those of the last 90 days."""
    Notification.objects.filter(created_at__lt=timezone.now() - KEPT).delete()
