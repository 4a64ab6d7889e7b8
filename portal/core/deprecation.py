"""Announces removals, in the schema and in the headers of every response.

``Deprecation`` is RFC 9745, ``Sunset`` RFC 8594. The first gives the date of deprecation, the second the date
from which it may be gone; ``Link`` leads to the replacement.
"""

from __future__ import annotations

import datetime
from dataclasses import dataclass

from django.utils.http import http_date
from drf_spectacular.utils import extend_schema_serializer


@dataclass(frozen=True)
class Deprecation:
    """``since`` and ``sunset`` are days and begin at 00:00 UTC. ``instead`` is the URL of the replacement."""

    since: datetime.date
    sunset: datetime.date | None = None
    instead: str = ""

    def __post_init__(self):
        if self.sunset and self.sunset <= self.since:
            raise ValueError("Something may only be gone after it was deprecated.")

    def write_on(self, response) -> None:
        response["Deprecation"] = f"@{_seconds(self.since)}"
        if self.sunset:
            response["Sunset"] = http_date(_seconds(self.sunset))
        if self.instead:
            response["Link"] = f'<{self.instead}>; rel="successor-version"'


def _seconds(day: datetime.date) -> int:
    return int(datetime.datetime.combine(day, datetime.time(), datetime.UTC).timestamp())


def deprecated(since: datetime.date, sunset: datetime.date | None = None, instead: str = ""):
    """Deprecate an endpoint: decorate the method of an ``ApiViewSet``."""

    def mark(method):
        method.deprecation = Deprecation(since, sunset, instead)
        return method

    return mark


def deprecated_fields(*names: str, since: datetime.date, sunset: datetime.date | None = None, instead=""):
    """Deprecate fields of a serializer; responses of views that use it announce it."""

    def mark(serializer):
        serializer.deprecation = Deprecation(since, sunset, instead)
        return extend_schema_serializer(deprecate_fields=list(names))(serializer)

    return mark


def of(view) -> Deprecation | None:
    """The deprecation that applies to this call of a view."""
    method = getattr(view, getattr(view, "action", None) or "", None)
    found = getattr(method, "deprecation", None)
    if found is None and getattr(view, "action", None) in ("list", "retrieve"):
        found = getattr(view.get_serializer_class(), "deprecation", None)
    return found
