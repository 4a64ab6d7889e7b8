"""Company accounts: whose they are, and the roles that their groups give.

A person is found by (issuer, subject) only: a name or an e-mail address proves nothing. For the teams in
GROUP_ROLES, the groups of a company account decide alone; memberships in other teams are left as they are.
"""

from __future__ import annotations

import logging
import re
import unicodedata
from dataclasses import dataclass, field

from django.conf import settings
from django.db import IntegrityError, transaction

from portal.teams import audit, services
from portal.teams.identity_models import Identity
from portal.teams.models import IN_WORDS, RANK, Membership, Role, Team, User
from workers.contract import InputError
from workers.contract.messages import msg

log = logging.getLogger(__name__)
LONGEST_NAME = 140  # room for a number that makes it unique
LONGEST_ID = 255
MOST_GROUPS = 5000
ELSEWHERE = msg("This sign-in was begun in another window or browser: start it again.")
BY_GROUPS = msg("by the groups of the company account")


class NotAccepted(InputError):
    """A company account cannot be used; the message says why and what to do."""


@dataclass(frozen=True)
class Claims:
    """What a provider or a directory says about a person."""

    issuer: str
    subject: str
    name: str
    email: str = ""
    groups: frozenset[str] = field(default_factory=frozenset)


@transaction.atomic
def sign_in(claims: Claims) -> User:
    """The account of this identity, created if it is new, with the roles of its groups.

    Raises NotAccepted for an account that is switched off.
    """
    user = _find(claims) or _create(claims)
    if not user.is_active:
        raise NotAccepted(msg("Your account on this server is switched off: ask its administrator."))
    sync_roles(user, claims.groups)
    return user


@transaction.atomic
def link(user: User, claims: Claims) -> None:
    """Connect a company account to the account of a signed-in person. Raises NotAccepted."""
    owner = _find(claims)
    if owner is not None and owner != user:
        raise NotAccepted(msg("This company account belongs to another account of this server already."))
    if owner is None:
        Identity.objects.create(user=user, issuer=claims.issuer, subject=claims.subject)
        audit.record("identity.link", user, actor=user, detail=claims.issuer)
    sync_roles(user, claims.groups)


def _find(claims: Claims) -> User | None:
    if not claims.subject or max(len(claims.subject), len(claims.issuer)) > LONGEST_ID:
        raise NotAccepted(msg("The company account has no usable identifier: ask its administrator."))
    rows = Identity.objects.select_related("user")
    found = rows.filter(issuer=claims.issuer, subject=claims.subject).first()
    return found.user if found else None


def _create(claims: Claims) -> User:
    """A new account without a password and without a team."""
    try:
        with transaction.atomic():
            user = User.objects.create_user(_free_name(claims.name), email=claims.email[:254])
            Identity.objects.create(user=user, issuer=claims.issuer, subject=claims.subject)
    except IntegrityError:  # the same person, in two windows at once
        raise NotAccepted(msg("Your account was just made in another window: sign in again.")) from None
    audit.record("identity.create", user, actor=user, detail=claims.issuer)
    return user


def _free_name(wanted: str) -> str:
    """A user name like the company's; with a number if somebody has it already, in any case."""
    plain = unicodedata.normalize("NFKC", wanted)
    plain = re.sub(r"[^\w.@+-]", "-", plain)[:LONGEST_NAME].strip("-") or "person"
    name, number = plain, 1
    while User.objects.filter(username__iexact=name).exists():
        number += 1
        name = f"{plain}-{number}"
    return name


# --- roles of groups ---------------------------------------------------------------------------


def sync_roles(user: User, groups: frozenset[str]) -> None:
    """Give the roles that the groups give, and take away those that they no longer give."""
    if not settings.GROUP_ROLES:
        return
    wanted = roles_of(groups)
    for team in _teams():
        role = wanted.get(team.name)
        membership = Membership.objects.filter(team=team, user=user).select_related("team", "user").first()
        if membership is None and role:
            _join(team, user, role)
        elif membership and role:
            services.change_role(membership, role, why=BY_GROUPS)
        elif membership:
            services.remove_member(membership, why=BY_GROUPS)


def roles_of(groups: frozenset[str]) -> dict[str, str]:
    """The role for each team by its name; the highest if several groups give one."""
    found: dict[str, str] = {}
    for group in groups & settings.GROUP_ROLES.keys():
        for team, role in settings.GROUP_ROLES[group].items():
            if team not in found or RANK[Role(role)] > RANK[Role(found[team])]:
                found[team] = role
    return found


def _teams() -> list[Team]:
    """The teams that GROUP_ROLES names; a name that no team has is logged."""
    names = {team for grants in settings.GROUP_ROLES.values() for team in grants}
    teams = list(Team.objects.filter(name__in=names).order_by("pk"))
    for name in names - {team.name for team in teams}:
        log.warning("GROUP_ROLES names the team %r, which does not exist: create it.", name)
    return teams


def _join(team: Team, user: User, role: str) -> None:
    Membership.objects.create(team=team, user=user, role=role)
    words = msg("as {role}, by the groups of the company account", role=IN_WORDS[Role(role)])
    audit.record("member.join", user, team=team, actor=user, detail=words)


def groups_in(given) -> frozenset[str]:
    """The names in a claim: a list of texts, or one text."""
    given = [given] if isinstance(given, str) else given
    if not isinstance(given, list) or len(given) > MOST_GROUPS:
        return frozenset()
    return frozenset(name for name in given if isinstance(name, str))
