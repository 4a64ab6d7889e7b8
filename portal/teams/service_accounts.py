"""Service accounts: accounts of a team for programs, with a role and tokens, without a password.

A token of a person ends with their membership; those of a service account stay when people leave. Its role is
at most operator, so it can neither invite people nor create tokens.
"""

from __future__ import annotations

from django.db import IntegrityError, transaction
from django.utils import timezone

from portal.teams import audit, services, tokens
from portal.teams.identity_models import ServiceAccount
from portal.teams.models import IN_WORDS, ApiToken, Membership, Role, Team, User
from workers.contract.messages import msg

ROLES = (Role.VIEWER, Role.MEMBER, Role.OPERATOR)
MOST = 100  # of one team
PREFIX = "service:"  # no person can choose such a name


def of_team(team: Team):
    """Those that have not ended."""
    return ServiceAccount.objects.filter(team=team, ended_at=None).select_related("user", "created_by")


@transaction.atomic
def make(team: Team, by: User, name: str, role: str) -> ServiceAccount:
    """Create a service account. Raises TeamError for a name that the team uses already."""
    Team.objects.select_for_update().get(pk=team.pk)
    rows = of_team(team)
    if rows.filter(name__iexact=name).exists():
        raise services.TeamError(msg("The team has a service account with this name: choose another."))
    if rows.count() >= MOST:
        raise services.TeamError(
            msg("A team has at most {most} service accounts: end one that is not used.", most=MOST)
        )
    user = _new_user(name)
    Membership.objects.create(team=team, user=user, role=role)
    made = ServiceAccount.objects.create(team=team, user=user, name=name, created_by=by)
    audit.record("service-account.create", made, detail=msg("as {role}", role=IN_WORDS[Role(role)]))
    return made


def _new_user(name: str) -> User:
    number = 1
    while True:
        wanted = f"{PREFIX}{name}" + (f" {number}" if number > 1 else "")
        try:
            with transaction.atomic():
                return User.objects.create_user(wanted)
        except IntegrityError:  # another team has it, or had it
            number += 1


def make_token(account: ServiceAccount, name: str, scopes: list[str], days: int) -> tuple[ApiToken, str]:
    """A token of the account, and its secret, which is not stored."""
    return tokens.make(account.team, account.user, name, scopes, days)


@transaction.atomic
def end(account: ServiceAccount) -> None:
    """End the account and its tokens, for good. What it made stays with the team."""
    now = timezone.now()
    if not ServiceAccount.objects.filter(pk=account.pk, ended_at=None).update(ended_at=now):
        return
    audit.record("service-account.end", account)
    for membership in Membership.objects.filter(user=account.user).select_related("user", "team"):
        services.remove_member(membership)
    User.objects.filter(pk=account.user_id).update(is_active=False)
