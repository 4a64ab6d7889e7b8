"""Links with which a person sets a new password: created by an administrator, or mailed on request.

A link works once, for PASSWORD_RESET_TIMEOUT seconds. It ends earlier when the person signs in, or gets
another password, e-mail address or link, and when its creator loses the right to create one for this person.
"""

from __future__ import annotations

import hashlib
import secrets
from datetime import timedelta

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Q, QuerySet
from django.urls import reverse
from django.utils import timezone
from django.utils.crypto import constant_time_compare, salted_hmac
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_encode

from portal.teams import audit
from portal.teams.models import Membership, PasswordLink, Role, Team, User
from workers.contract.messages import msg


def resettable(admin: User) -> QuerySet[User]:
    """The people for whom ``admin`` may create a password link.

    A link lets its holder sign in as that person. So ``admin`` must be an administrator of every team that
    the person is in, and only the server's administrator may create one for a server administrator.
    """
    if not admin.is_active:
        return User.objects.none()
    people = User.objects.filter(service=None)  # a service account has no password
    if admin.is_superuser:
        return people
    administered = admin.memberships.filter(role=Role.ADMIN).values("team_id")
    elsewhere = Membership.objects.exclude(team_id__in=administered).values("user_id")
    inside = Membership.objects.filter(team_id__in=administered).values("user_id")
    return people.filter(pk__in=inside, is_superuser=False).exclude(pk__in=elsewhere)


def refuse_unless_resettable(admin: User, user: User) -> None:
    """Raise PermissionDenied if ``admin`` may not create a link for ``user``."""
    if not resettable(admin).filter(pk=user.pk).exists():
        raise PermissionDenied(
            msg(
                "{user} also belongs to a team that you do not administer, or is an "
                "administrator of this server: only an administrator of the server may make this "
                "link.",
                user=user,
            )
        )


def reset_path(user: User, maker: User, team: Team) -> str:
    """The path of a new link for ``user``, created by the administrator ``maker``; it is not stored."""
    secret = make(user, maker)
    audit.record("password.link", user, team=team)
    uid = urlsafe_base64_encode(force_bytes(user.pk))
    return reverse("password-reset", args=[uid, secret])


@transaction.atomic
def make(user: User, maker: User | None = None) -> str:
    """The secret of a new link for ``user``, which ends all others. ``maker`` is None for a mailed link."""
    user.password_links.all().delete()
    secret = secrets.token_urlsafe(32)
    PasswordLink.objects.create(
        user=user, made_by=maker, secret_hash=_digest(secret), account_state=_state(user)
    )
    return secret


def find(user: User, secret: str | None) -> PasswordLink | None:
    """The valid link with this secret; None if it has ended or never existed."""
    youngest = timezone.now() - timedelta(seconds=settings.PASSWORD_RESET_TIMEOUT)
    rows = user.password_links.select_related("made_by").filter(created_at__gt=youngest)
    link = rows.filter(secret_hash=_digest(secret or "")).first()
    if link is None or not user.is_active or not constant_time_compare(link.account_state, _state(user)):
        return None
    return link if _is_backed(link) else None


def use_up(user: User, secret: str | None) -> bool:
    """End the link with this secret, in the caller's transaction. False if it is not valid (any more).

    Of two concurrent requests with one link, only one gets True.
    """
    user = User.objects.select_for_update().get(pk=user.pk)  # the password must not change meanwhile
    link = find(user, secret)
    return link is not None and bool(PasswordLink.objects.filter(pk=link.pk).delete()[0])


def end_unbacked(person: User) -> None:
    """End the links made by or for ``person`` whose creator has lost the right to them, for good.

    They do not work again if the creator regains the right.
    """
    rows = PasswordLink.objects.filter(Q(made_by=person) | Q(user=person)).select_related("made_by", "user")
    for link in rows:
        if not _is_backed(link):
            link.delete()
            audit.record(
                "password.link-end",
                link.user,
                detail=msg("{made_by} is no longer allowed to create it", made_by=link.made_by),
            )


def _is_backed(link: PasswordLink) -> bool:
    return link.made_by is None or resettable(link.made_by).filter(pk=link.user_id).exists()


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode(errors="replace")).hexdigest()


def _state(user: User) -> str:
    """A fingerprint of what a link depends on: it also changes when the person signs in."""
    login = user.last_login.isoformat() if user.last_login else ""
    value = "\0".join((str(user.pk), user.password, login, user.email))
    return salted_hmac("portal.teams.password_links", value, algorithm="sha256").hexdigest()


class LinkTokens:
    """The token generator that Django's password pages and mails expect, backed by the links above."""

    def make_token(self, user: User) -> str:
        return make(user)

    def check_token(self, user: User | None, token: str | None) -> bool:
        return user is not None and find(user, token) is not None
