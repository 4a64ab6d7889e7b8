"""Sends notices by mail. A mail that cannot be sent is retried, then given up."""

from __future__ import annotations

import logging

from django.core.mail import EmailMessage
from django.db.models import F
from django.template.loader import render_to_string
from django.utils import translation

from portal.core import languages, names
from portal.core.slots import Slots
from portal.notify.events import EVENTS, absolute
from portal.notify.models import Mail, Notification

logger = logging.getLogger(__name__)
TRIES = 5
AT_ONCE = 100
_sending = Slots(1)


def is_pending() -> bool:
    return Notification.objects.filter(mail=Mail.PENDING).exists()


def send_pending() -> int:
    """Send pending mails and return how many were sent. Never raises: failures are logged and counted.

    One thread per process: a hanging mail server occupies one slot and no more.
    """
    sent = 0
    with _sending.take() as got:
        rows = Notification.objects.filter(mail=Mail.PENDING).select_related("user", "team")
        for row in rows[:AT_ONCE] if got else []:
            # Counted before it is sent, so that two workers never send one mail twice, even if one dies.
            mine = Notification.objects.filter(pk=row.pk, mail=Mail.PENDING, mail_tries=row.mail_tries)
            if mine.update(mail_tries=F("mail_tries") + 1):
                sent += _send(row)
    return sent


def _send(row: Notification) -> bool:
    try:
        _message(row).send()
    except Exception as error:
        logger.warning("the mail of notice %s was not sent: %s", row.pk, error)
        if row.mail_tries + 1 >= TRIES:
            Notification.objects.filter(pk=row.pk).update(mail=Mail.FAILED)
        return False
    Notification.objects.filter(pk=row.pk).update(mail=Mail.SENT)
    return True


def _message(row: Notification) -> EmailMessage:
    event = EVENTS[row.event]
    with translation.override(languages.of(row.user)):
        words = event.render(row.facts)
        context = {"words": words, "url": absolute(row.path), "team": row.team, "user": row.user}
        context["choices_url"] = absolute("/notifications/choices/")
        body = render_to_string("notify/mail.txt", context)
        subject = names.shown(f"{event.title} · {row.facts.get('name', '')}")
    return EmailMessage(subject[:180], body, to=[row.user.email])
