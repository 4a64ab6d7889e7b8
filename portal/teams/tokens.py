"""API tokens: create, find by secret, revoke.

A secret is ``slw_`` and 43 characters with 256 random bits, shown once. With so much entropy, a plain SHA-256
is enough at rest: there is nothing to guess, and a lookup stays one indexed query.
"""

from __future__ import annotations

import hashlib
import secrets
from datetime import timedelta

from django.db.models import Q, QuerySet
from django.utils import timezone

from portal.core import patience
from portal.teams import audit
from portal.teams.models import ApiToken, Scope, Team, User
from workers.contract.messages import Message, msg, msg_n

BEGINS = "slw_"
VISIBLE = 12
WRITE_USE_AFTER = timedelta(minutes=1)
LONGEST_DAYS = 366


class TokenRefused(Exception):
    """The token is not valid; the message tells its owner why."""


def digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def make(team: Team, user: User, name: str, scopes: list[str], days: int) -> tuple[ApiToken, str]:
    """Create a token that ends after ``days`` (1 to 366); return it with its secret, which is not stored."""
    if not 1 <= days <= LONGEST_DAYS:
        raise ValueError(f"A token lives 1 to {LONGEST_DAYS} days, not {days}.")
    secret = BEGINS + secrets.token_urlsafe(32)
    token = ApiToken.objects.create(
        team=team,
        user=user,
        name=name,
        scopes=[scope.value for scope in Scope if scope in scopes],
        prefix=secret[:VISIBLE],
        secret_hash=digest(secret),
        expires_at=timezone.now() + timedelta(days=days),
    )
    audit.record(
        "token.create",
        token,
        detail=msg_n("{scopes}; {count} day", "{scopes}; {count} days", days, scopes=", ".join(token.scopes)),
    )
    return token, secret


def find(secret: str, address: str | None) -> ApiToken:
    """The valid token with this secret; records its use. Raises TokenRefused."""
    token = ApiToken.objects.select_related("user", "team").filter(secret_hash=digest(secret)).first()
    if token is None:
        raise TokenRefused(msg("This token is not known: check that it was copied whole."))
    if token.state != "valid":
        raise TokenRefused(_no_longer_valid(token))
    if not token.user.is_active:
        raise TokenRefused(msg("The account that owns the token {name} is switched off.", name=token.name))
    _note_use(token, address)
    return token


def _note_use(token: ApiToken, address: str | None) -> None:
    now = timezone.now()
    if token.last_used_at and token.last_used_at > now - WRITE_USE_AFTER:
        return
    stale = Q(last_used_at=None) | Q(last_used_at__lte=now - WRITE_USE_AFTER)
    with patience.note(f"that {token} was used"):
        ApiToken.objects.filter(stale, pk=token.pk).update(last_used_at=now, last_used_from=address)


def alive(user: User) -> QuerySet[ApiToken]:
    """A person's valid tokens, in every team."""
    return user.tokens.filter(revoked_at=None, expires_at__gt=timezone.now())


def revoke(token: ApiToken) -> None:
    """Revoke a token. Doing so again changes nothing."""
    if ApiToken.objects.filter(pk=token.pk, revoked_at=None).update(revoked_at=timezone.now()):
        audit.record("token.revoke", token)


def _no_longer_valid(token: ApiToken) -> Message:
    if token.revoked_at:
        day = f"{token.revoked_at:%Y-%m-%d}"
        return msg("The token {name} was revoked on {day}: make a new one.", name=token.name, day=day)
    day = f"{token.expires_at:%Y-%m-%d}"
    return msg("The token {name} expired on {day}: make a new one.", name=token.name, day=day)
