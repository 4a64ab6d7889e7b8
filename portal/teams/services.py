"""Teams: membership, invitations, password resets, and the first administrator."""

from __future__ import annotations

import hashlib
import secrets
from datetime import timedelta

from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils import timezone

from portal.teams import audit, password_links, tokens
from portal.teams.models import IN_WORDS, Invitation, Membership, Role, Team, User
from workers.contract import InputError
from workers.contract.messages import Message, join, msg, msg_n

DEFAULT_TEAM = "Default team"
FIRST_ADMIN = "admin"


class TeamError(InputError):
    """The request would leave a team, or a person, in an invalid state."""


def memberships_of(user) -> list[Membership]:
    """A person's memberships, in the order of joining."""
    return list(user.memberships.select_related("team").order_by("id"))


def choose(memberships: list[Membership], team_id: int | None) -> Membership | None:
    """The membership in the requested team, else the first; None if there is none."""
    wanted = (row for row in memberships if row.team_id == team_id)
    return next(wanted, memberships[0] if memberships else None)


def membership_of(user, team_id: int | None = None) -> Membership | None:
    """The membership in this team, or the first one if no team is given; None if there is none."""
    rows = user.memberships.select_related("team").order_by("id")
    return (rows if team_id is None else rows.filter(team_id=team_id)).first()


# --- teams ------------------------------------------------------------------------------------


@transaction.atomic
def create_team(name: str, user: User) -> Team:
    """A new team with ``user`` as its administrator."""
    team = Team.objects.create(name=name)
    Membership.objects.create(team=team, user=user, role=Role.ADMIN)
    audit.record("team.create", team)
    return team


def rename_team(team: Team, name: str) -> None:
    before, team.name = team.name, name
    team.save(update_fields=["name"])
    audit.record("team.rename", team, detail=msg("before: {before}", before=before))


def change_settings(team: Team, **shares: float | None) -> None:
    """Change a team's ``SETTINGS``, fractions from 0 to 1; omitted ones stay."""
    changed = {name: share for name, share in shares.items() if getattr(team, name) != share}
    details = [_change(name, share, getattr(team, name)) for name, share in changed.items()]
    for name, share in changed.items():
        setattr(team, name, share)
    if changed:
        team.save(update_fields=list(changed))
        audit.record("team.settings", team, detail=join(details, "; "))


def demand_second_factor(team: Team, demanded: bool) -> None:
    """Whether everybody in the team needs a second factor, where the server offers one."""
    if team.second_factor == demanded:
        return
    team.second_factor = demanded
    team.save(update_fields=["second_factor"])
    words = msg("second factor for everybody: yes") if demanded else msg("second factor for everybody: no")
    audit.record("team.settings", team, detail=words)


def _change(name: str, share: float | None, before: float | None) -> Message:
    places = {"share": _percent(share), "before": _percent(before)}
    return {
        "unsure_below": msg("unsure below {share} %, before {before} %", **places),
        "max_drop": msg("largest allowed drop {share} points, before {before}", **places),
        "fail_under": msg("required quality {share} %, before {before} %", **places),
    }[name]


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{100 * share:g}"


# --- members ----------------------------------------------------------------------------------


def _lock_team(membership: Membership) -> None:
    """Serialize changes of a team's members: two must not remove the last two administrators.

    Raises TeamError if the person has left meanwhile.
    """
    Team.objects.select_for_update().get(pk=membership.team_id)
    try:
        membership.refresh_from_db(fields=["role"])
    except Membership.DoesNotExist:
        raise TeamError(
            msg("{user} is no longer in {team}.", user=membership.user, team=membership.team)
        ) from None


def _refuse_to_lose_last_admin(membership: Membership) -> None:
    others = Membership.objects.filter(team=membership.team, role=Role.ADMIN).exclude(pk=membership.pk)
    if membership.role == Role.ADMIN and not others.exists():
        raise TeamError(
            msg(
                "{user} is the only administrator of {team}: make somebody else an administrator first.",
                user=membership.user,
                team=membership.team,
            )
        )


def _end_links(person: User, team: Team) -> None:
    """Revoke what ``person`` issued as an administrator of ``team`` and may no longer issue."""
    lost = Invitation.objects.for_team(team).filter(created_by=person, used_at=None).unbacked()
    for invitation in lost:
        withdraw(invitation, msg("{person} no longer administers {team}", person=person, team=team))
    password_links.end_unbacked(person)


@transaction.atomic
def change_role(membership: Membership, role: str, why: str = "") -> None:
    """Change a member's role. Raises TeamError for the last administrator.

    What only the former role could issue ends with it: see ``_end_links``. A reason, ``why``, is that of the
    company's groups, which decide about the last administrator too.
    """
    _lock_team(membership)
    if membership.role == role:
        return
    if role != Role.ADMIN and not why:
        _refuse_to_lose_last_admin(membership)
    before, membership.role = membership.role, role
    membership.save(update_fields=["role"])
    _end_links(membership.user, membership.team)
    words = join([IN_WORDS[before], IN_WORDS[Role(role)]], " → ")
    audit.record("member.role", membership.user, team=membership.team, detail=_with_reason(words, why))


def _with_reason(words: Message, why: str) -> Message:
    return join([words, why], "; ") if why else words


@transaction.atomic
def remove_member(membership: Membership, why: str = "") -> None:
    """Remove a person from a team. What they made stays with the team.

    Their tokens for it end, and so do the links that they issued: invitations and password links. ``why`` is
    as for ``change_role``.
    """
    _lock_team(membership)
    if not why:
        _refuse_to_lose_last_admin(membership)
    for token in membership.user.tokens.filter(team=membership.team, revoked_at=None):
        tokens.revoke(token)
    audit.record(
        "member.remove",
        membership.user,
        team=membership.team,
        detail=_with_reason(msg("was {role}", role=IN_WORDS[membership.role]), why),
    )
    membership.delete()
    _end_links(membership.user, membership.team)


def refuse_unless_server_admin(user: User) -> None:
    if not user.is_superuser:
        raise PermissionDenied(msg("Only an administrator of this server may make a new team."))


# --- invitations ------------------------------------------------------------------------------


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def invite(team: Team, user: User, role: str, days: int, note: str = "") -> tuple[Invitation, str]:
    """Create an invitation; return it with the path of its link, which is not stored."""
    secret = secrets.token_urlsafe(32)
    invitation = Invitation.objects.create(
        team=team,
        role=role,
        note=note,
        secret_hash=_digest(secret),
        created_by=user,
        expires_at=timezone.now() + timedelta(days=days),
    )
    audit.record(
        "invitation.create",
        invitation,
        detail=msg_n("{role}; {count} day", "{role}; {count} days", days, role=IN_WORDS[role]),
    )
    return invitation, reverse("invitation", args=[secret])


def open_invitations(team: Team):
    """Invitations that still work."""
    return Invitation.objects.for_team(team).usable()


def find_invitation(secret: str) -> Invitation | None:
    """The invitation of this link; None if it was used, has ended or never existed."""
    rows = Invitation.objects.usable().select_related("team", "created_by")
    return rows.filter(secret_hash=_digest(secret)).first()


def withdraw(invitation: Invitation, why: str = "") -> None:
    audit.record("invitation.withdraw", invitation, detail=why)
    invitation.delete()


@transaction.atomic
def accept(invitation: Invitation, user: User) -> Membership:
    """Join the team; the link is used up. Raises TeamError if it ended a moment ago."""
    Team.objects.select_for_update().get(pk=invitation.team_id)  # its creator must not lose the role now
    if Membership.objects.filter(team=invitation.team, user=user).exists():
        raise TeamError(msg("You are in {team} already, so the link was not used up.", team=invitation.team))
    here = Invitation.objects.usable().filter(pk=invitation.pk)
    if not here.update(used_at=timezone.now(), used_by=user):
        raise TeamError(msg("This link was used or withdrawn a moment ago: ask for a new one."))
    membership = Membership.objects.create(team=invitation.team, user=user, role=invitation.role)
    audit.record(
        "member.join",
        user,
        team=invitation.team,
        actor=user,
        detail=msg("as {role}", role=IN_WORDS[invitation.role]),
    )
    password_links.end_unbacked(user)  # an administrator of the other teams only
    return membership


@transaction.atomic
def accept_as_new(invitation: Invitation, username: str, password: str, email: str = "") -> User:
    """Create an account and join with it, or neither. Raises TeamError."""
    try:
        with transaction.atomic():
            user = User.objects.create_user(username, email=email, password=password)
    except IntegrityError:
        raise TeamError(msg("This name was just taken: choose another.")) from None
    accept(invitation, user)
    return user


# --- the first person on the server ----------------------------------------------------------


@transaction.atomic
def create_first_administrator() -> str | None:
    """Create the default team and its administrator with a random password, and return the password.

    None if there are users already. Only the hash of the password is stored.
    """
    team, _ = Team.objects.get_or_create(name=DEFAULT_TEAM)
    if User.objects.exists():
        return None
    password = secrets.token_urlsafe(12)
    user = User.objects.create_superuser(FIRST_ADMIN, password=password)
    Membership.objects.create(team=team, user=user, role=Role.ADMIN)
    return password


def reset_password(user: User) -> str:
    """Give a person a new random password and return it."""
    password = secrets.token_urlsafe(12)
    user.set_password(password)
    user.save(update_fields=["password"])
    audit.record("password.set", user)
    return password
