"""Teams: who is in which; the first administrator."""

from __future__ import annotations

import secrets

from django.db import transaction

from portal.teams.models import Membership, Role, Team, User

DEFAULT_TEAM = "Default team"
FIRST_ADMIN = "admin"


def membership_of(user) -> Membership | None:
    """The membership under which a person works; None for somebody in no team."""
    return user.memberships.select_related("team").order_by("id").first()


@transaction.atomic
def create_first_administrator() -> str | None:
    """Make the default team and its administrator with a random password, and return the password.

    None when there is somebody already. The password is kept nowhere but in its hash.
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
    return password
