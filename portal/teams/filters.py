"""Filters by person; filters of members and tokens."""

from __future__ import annotations

from collections.abc import Callable

import django_filters
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from portal.core.filters import Moment, OneOf, RowOf
from portal.teams.models import Role, User

_once_here: list[Callable] = []


def add_people(once_here: Callable) -> None:
    """Register ``once_here(team)``: a query of the ids of people with past activity in a team."""
    _once_here.append(once_here)


def people(team):
    """Members of the team, and people who once started work there."""
    found = Q(pk__in=team.memberships.values("user") if team else [])
    for once_here in _once_here:
        found |= Q(pk__in=once_here(team))
    return User.objects.filter(found)


class Person(RowOf):
    """A person by user name, including people who have left the team."""

    def __init__(self, field_name="created_by", **more):
        more.setdefault("error_messages", {"invalid_choice": _("Your team has nobody of this name.")})
        super().__init__(
            people, field_name=field_name, to_field_name="username", help_text=_("user name"), **more
        )


class Created(django_filters.FilterSet):
    """Rows created in a period, by a person."""

    person = Person()
    created_after = Moment("created_at", "gte", help_text=_("moment or day (ISO 8601), included"))
    created_before = Moment("created_at", "lt", help_text=_("moment or day (ISO 8601), not included"))


class MemberFilter(django_filters.FilterSet):
    person = Person("user")
    role = OneOf(Role.choices)


class TokenFilter(django_filters.FilterSet):
    owner = Person("user")
