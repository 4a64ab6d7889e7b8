"""Filters lists by query parameters. An invalid value is a 400 that names its parameter.

``FilterSet`` classes are in each app's ``filters.py``; API and pages share them.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping
from typing import Any

import django_filters
from django.core.exceptions import ValidationError
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django_filters.fields import IsoDateTimeField
from django_filters.rest_framework import DjangoFilterBackend
from drf_spectacular.utils import extend_schema_field

from portal.core.messages import lazy_shown


class ListBackend(DjangoFilterBackend):
    """Filters lists only: the framework would filter single-row lookups too."""

    def filter_queryset(self, request, queryset, view):
        return super().filter_queryset(request, queryset, view) if not view.detail else queryset


def _among(rows, ways: Q):
    """The matching rows, each once: selected by id, since a join would repeat rows."""
    return rows.filter(pk__in=rows.model._default_manager.filter(ways).order_by().values("pk"))


def _describe(chosen: django_filters.Filter, kind: str, **more) -> None:
    """Describe the parameter in the schema: no model field describes it."""
    words = {"description": chosen.extra["help_text"]} if chosen.extra.get("help_text") else {}
    extend_schema_field({"type": kind, **words, **more})(chosen)


class OneOf(django_filters.MultipleChoiceFilter):
    """One of several choices; repeat the parameter for more than one. ``choices`` may be a function.

    ``many``: the field belongs to related rows of which there may be several.
    """

    def __init__(self, choices, *, many: bool = False, **more):
        self.many = many
        more.setdefault("error_messages", {"invalid_choice": _("There is no “%(value)s” to choose here.")})
        super().__init__(choices=choices, **more)
        words = {} if callable(choices) else {"enum": [value for value, _title in choices]}
        _describe(self, "string", **words)

    def filter(self, rows, value):
        if not value:
            return rows
        fits = Q(**{f"{self.field_name}__in": value})
        return _among(rows, fits) if self.many else rows.filter(fits)


ID = {"kind": "integer", "minimum": 0, "maximum": 2**62}


class RowOf(django_filters.ModelChoiceFilter):
    """A row of the caller's team by id. Ids of other teams are not found.

    ``find`` returns the query of all such rows of a team. ``paths`` are the lookups that lead to such a row.
    """

    def __init__(self, find: Callable, *paths: str, **more):
        self.paths = paths
        more.setdefault("error_messages", {"invalid_choice": _("Your team has none with this id.")})
        super().__init__(queryset=lambda request: _rows(find, request), **more)
        _describe(self, **({"kind": "string"} if "to_field_name" in more else ID))

    def filter(self, rows, value):
        if value is None or not self.paths:
            return super().filter(rows, value)
        ways = Q()
        for path in self.paths:
            ways |= Q(pk__in=rows.model._default_manager.filter(**{path: value}).order_by().values("pk"))
        return rows.filter(ways)


def _rows(find: Callable, request):
    team = getattr(request, "team", None)
    return find(team).none() if team is None else find(team)


class _MomentField(IsoDateTimeField):
    def to_python(self, value):
        moment = super().to_python(value)
        if moment is not None:
            try:
                moment.astimezone(datetime.UTC)
            except OverflowError:
                raise ValidationError(_("This moment is too far away.")) from None
        return moment


class Moment(django_filters.IsoDateTimeFilter):
    """A moment, or a day, which means its first moment."""

    field_class = _MomentField


def part_of(field_name: str) -> django_filters.CharFilter:
    return django_filters.CharFilter(field_name, "icontains", help_text=_("part of the name"))


def named(books: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The names in ``configs.chips()`` and the like as choices."""
    return [(name, lazy_shown(books[name].title)) for name in books]
