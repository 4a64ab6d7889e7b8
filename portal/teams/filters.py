"""Filters of members and tokens."""

import django_filters

from portal.core.filters import OneOf, Person
from portal.teams.models import Role


class MemberFilter(django_filters.FilterSet):
    person = Person("user")
    role = OneOf(Role.choices)


class TokenFilter(django_filters.FilterSet):
    owner = Person("user")
