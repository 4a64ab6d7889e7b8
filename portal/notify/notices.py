"""Notices to people: in the portal, and by mail if they want that."""

from __future__ import annotations

from django.conf import settings
from django.db import transaction

from portal.core import broker
from portal.notify.events import Event, Facts
from portal.notify.models import Audience, Choice, Mail, Notification
from portal.teams.models import RANK, Membership, Role


def notify_members(event: Event, team, subject) -> Facts:
    """Write a notice for everyone who wants to be told of the event; return its facts."""
    facts = event.describe(subject)
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
    return facts


def wants(audience: str, mine: bool) -> bool:
    return audience == Audience.ALL or (audience == Audience.MINE and mine)


def can_be_mailed(user) -> bool:
    return bool(settings.EMAIL_HOST and user.email)


def _wake_mailer() -> None:
    broker.send("portal.notify.tasks.send_mails")
