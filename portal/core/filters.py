"""How lists are narrowed: by the address's query, with a 400 at the field for a value that cannot be.

``FilterSet`` classes stand in each app's ``filters.py``; the API and the pages share them.
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
    """Narrows lists only: the framework would look for a single row through the filter as well."""

    def filter_queryset(self, request, queryset, view):
        return super().filter_queryset(request, queryset, view) if not view.detail else queryset


def _among(rows, ways: Q):
    """The rows that fit, each once: by their ids, for a join would bring a row once for each partner."""
    return rows.filter(pk__in=rows.model._default_manager.filter(ways).order_by().values("pk"))


def _describe(chosen: django_filters.Filter, kind: str, **more) -> None:
    """Say in the schema what the parameter is: it has no field of a model that would tell."""
    words = {"description": chosen.extra["help_text"]} if chosen.extra.get("help_text") else {}
    extend_schema_field({"type": kind, **words, **more})(chosen)


class OneOf(django_filters.MultipleChoiceFilter):
    """One of some words; several when the parameter is repeated. ``choices`` may be a function.

    ``many``: the field belongs to rows of which there may be several.
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
    """A row of the caller's team by its id; another team's is as unknown as any other.

    ``find`` makes the query of all such rows from a team. ``paths`` are several ways to such a row.
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
    """A moment, or a day that stands for its first moment."""

    field_class = _MomentField


def part_of(field_name: str) -> django_filters.CharFilter:
    return django_filters.CharFilter(field_name, "icontains", help_text=_("part of the name"))


def named(books: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The names of ``configs.chips()`` and the like as choices."""
    return [(name, lazy_shown(books[name].title)) for name in books]
