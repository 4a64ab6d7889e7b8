"""Throttles password guesses everywhere: sign-in page, API, account page.

Failed sign-ins are counted in the audit, so all processes share one truth and nothing expires separately.
Four limits, because each alone is easily evaded or would lock out the wrong people: one account from one
network, one network over all accounts (a class room may share it), the networks of one site, one account from
everywhere. Accounts are counted by ``account_key``, not by the typed text. Unknown names are counted in the
same way, so that nobody learns which names exist.
"""

from __future__ import annotations

import math
import unicodedata
from datetime import timedelta

from django.utils import timezone

from portal.core import addresses
from portal.teams import audit
from portal.teams.models import AuditEntry, Result, User
from workers.contract.messages import msg, msg_n

WINDOW = timedelta(minutes=15)
PER_NAME_AND_ADDRESS = 10
PER_ADDRESS = 50
PER_SITE = 200
PER_NAME = 100
SIGN_IN = "sign-in.password"
COMPANY = "sign-in.company"
# Password links by mail: per address, and per requesting network.
MAIL = "password.mail"
MAILS_PER_ACCOUNT = 3
MAILS_PER_ADDRESS = 20


def account_key(name: str) -> str:
    """One key for all spellings of a name that could mean one account.

    The sign-in form strips a name and normalizes it to NFKC. Case is ignored as well: names that differ only
    in case are counted together.
    """
    return audit.clean(unicodedata.normalize("NFKC", str(name).strip()).casefold().strip(), 200)


def account_of(name: str) -> User | None:
    """The account that the sign-in form finds for a typed name."""
    typed = unicodedata.normalize("NFKC", str(name).strip())
    return User.objects.filter(username=typed).first() if typed.isprintable() else None


def wait_seconds(name: str, address: str | None) -> int:
    """How long this name must wait at this address before the next attempt; 0 for not at all."""
    now, here = timezone.now(), addresses.network(address)
    failures = AuditEntry.objects.filter(verb=SIGN_IN, result=Result.REFUSED, at__gt=now - WINDOW)
    own = failures.filter(object_label=account_key(name))
    limits = [
        (_since_success(own, name, here).filter(network=here), PER_NAME_AND_ADDRESS),
        (failures.filter(network=here), PER_ADDRESS),
        (own, PER_NAME),
    ]
    if around := addresses.site(here):
        limits.append((failures.filter(network__range=around), PER_SITE))
    return max(_until_room(rows, limit, now) for rows, limit in limits)


def _until_room(rows, limit: int, now) -> int:
    """Seconds until enough attempts have left the window to make room for another."""
    oldest = rows.order_by("-at").values_list("at", flat=True)[limit - 1 : limit].first()
    return 0 if oldest is None else max(0, math.ceil((oldest + WINDOW - now).total_seconds()))


def _since_success(rows, name: str, network: str):
    """Without failures before the last sign-in to this account from this network."""
    user = account_of(name)
    if user is None:
        return rows
    done = AuditEntry.objects.filter(
        verb=SIGN_IN, result=Result.DONE, object_label=account_key(name), object_id=user.pk, network=network
    )
    last = done.order_by("-id").values_list("at", flat=True).first()
    return rows if last is None else rows.filter(at__gt=last)


def request_wait(request, name: str) -> int:
    """The same for the sender of a request."""
    return wait_seconds(name, addresses.client_address(request))


def failed(name: str, why: str = "") -> None:
    """Count one wrong password, or another fault. ``name`` is as typed."""
    detail = why or msg("wrong name or password")
    audit.refused(SIGN_IN, account_of(name), label=account_key(name), detail=detail)


def succeeded(user: User) -> None:
    """Record a sign-in on the page; earlier failures from the same place no longer count."""
    audit.record(SIGN_IN, user, label=account_key(user.get_username()))


def sentence(seconds: int) -> str:
    minutes = max(1, math.ceil(seconds / 60))
    return msg_n(
        "Too many wrong passwords: wait {count} minute and try again, or ask an administrator of your team "
        "for a new password.",
        "Too many wrong passwords: wait {count} minutes and try again, or ask an administrator of your team "
        "for a new password.",
        minutes,
    )


def company_wait(request) -> int:
    """How long the sender's network must wait until its next sign-in by the OpenID provider."""
    now, here = timezone.now(), addresses.network(addresses.client_address(request))
    failures = AuditEntry.objects.filter(verb=COMPANY, result=Result.REFUSED, at__gt=now - WINDOW)
    waits = [_until_room(failures.filter(network=here), PER_ADDRESS, now)]
    if around := addresses.site(here):
        waits.append(_until_room(failures.filter(network__range=around), PER_SITE, now))
    return max(waits)


def company_sentence(seconds: int) -> str:
    minutes = max(1, math.ceil(seconds / 60))
    return msg_n(
        "Too many sign-ins failed here: wait {count} minute and try again.",
        "Too many sign-ins failed here: wait {count} minutes and try again.",
        minutes,
    )


def mails_wait(request) -> int:
    """How long the caller's network must wait until another link may be sent; 0 for not at all."""
    now, here = timezone.now(), addresses.network(addresses.client_address(request))
    asked = AuditEntry.objects.filter(verb=MAIL, at__gt=now - WINDOW)
    waits = [_until_room(asked.filter(network=here), MAILS_PER_ADDRESS, now)]
    if around := addresses.site(here):
        waits.append(_until_room(asked.filter(network__range=around), 4 * MAILS_PER_ADDRESS, now))
    return max(waits)


def may_mail(email: str) -> bool:
    """Count a link for this address; False if it had too many recently."""
    label = account_key(email)
    lately = AuditEntry.objects.filter(verb=MAIL, at__gt=timezone.now() - WINDOW, result=Result.DONE)
    if lately.filter(object_label=label).count() < MAILS_PER_ACCOUNT:
        audit.record(MAIL, label=label)
        return True
    audit.refused(MAIL, label=label, detail=msg("enough were sent to this address"), within=WINDOW)
    return False


def mails_sentence(seconds: int) -> str:
    minutes = max(1, math.ceil(seconds / 60))
    return msg_n(
        "Too many links were asked for: wait {count} minute and try again, or ask an administrator of your "
        "team for a link.",
        "Too many links were asked for: wait {count} minutes and try again, or ask an administrator of your "
        "team for a link.",
        minutes,
    )
