"""Tells people and other systems of an event: the one place that events come from."""

from __future__ import annotations

import logging
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from portal.core import broker
from portal.notify import webhooks
from portal.notify.events import EVENTS, Event, Facts
from portal.notify.models import Audience, Choice, Mail, Notification
from portal.teams.models import RANK, Membership, Role

logger = logging.getLogger(__name__)
KEPT = timedelta(days=90)


def emit(name: str, team, subject) -> None:
    """Write down whom to tell of an event about ``subject``, in the transaction of the caller.

    Nothing is sent here: rows are written, and workers are told of them once the transaction is committed.
    It never raises, so that what happened stands whether or not anybody can be told of it.
    """
    try:
        with transaction.atomic():
            event = EVENTS[name]
            facts = event.describe(subject)
            _tell_people(event, team, facts)
            if event.for_webhooks:
                webhooks.order(event.name, team, facts.data)
    except Exception:
        logger.exception("nobody was told of %s of %s", name, subject)


def _tell_people(event: Event, team, facts: Facts) -> None:
    choices = {row.user_id: row for row in Choice.objects.filter(event=event.name, user__teams=team)}
    members = Membership.objects.filter(team=team, user__is_active=True).select_related("user")
    rows = []
    for member in members:
        if RANK[Role(member.role)] < RANK[Role(event.least)]:
            continue
        choice = choices.get(member.user_id)
        mine = member.user_id == facts.owner_id
        shown = wants(choice.portal if choice else event.portal, mine)
        mailed = can_be_mailed(member.user) and wants(choice.mail if choice else Audience.NOTHING, mine)
        if shown or mailed:
            rows.append(
                Notification(
                    user=member.user,
                    team=team,
                    event=event.name,
                    facts=facts.words,
                    path=facts.path,
                    shown=shown,
                    mail=Mail.PENDING if mailed else Mail.NONE,
                )
            )
    Notification.objects.bulk_create(rows)
    if any(row.mail for row in rows):
        transaction.on_commit(_wake_mailer)


def wants(audience: str, mine: bool) -> bool:
    return audience == Audience.ALL or (audience == Audience.MINE and mine)


def can_be_mailed(user) -> bool:
    return bool(settings.EMAIL_HOST and user.email)


def _wake_mailer() -> None:
    from portal.notify.tasks import send_mails

    broker.send(send_mails)


def choices_of(user) -> dict[str, tuple[str, str]]:
    """(portal, mail) for every event, chosen or by default."""
    rows = {row.event: row for row in Choice.objects.filter(user=user)}
    found = {}
    for name, event in EVENTS.items():
        row = rows.get(name)
        found[name] = (row.portal, row.mail) if row else (str(event.portal), str(Audience.NOTHING))
    return found


def choose(user, chosen: dict[str, tuple[str, str]]) -> None:
    """Keep what a person wants to be told of: (portal, mail) by event."""
    for name, (portal, mail) in chosen.items():
        Choice.objects.update_or_create(user=user, event=name, defaults={"portal": portal, "mail": mail})


def mark_read(rows) -> int:
    return rows.unread().update(read_at=timezone.now())


def sweep() -> None:
    """Before: notices of any age. After: those of the last 90 days."""
    Notification.objects.filter(created_at__lt=timezone.now() - KEPT).delete()
