"""Conditional GET (RFC 9110, section 13): what one has already is answered with 304 and not sent again.

The tags are weak: they say that an answer means the same, not that its bytes are the same.
"""

from __future__ import annotations

import hashlib
import json

from django.core.serializers.json import DjangoJSONEncoder
from django.http import HttpResponse
from django.utils.http import parse_etags

CACHING = "private, no-cache"  # keep it, and ask each time whether it still holds
# What differs from one call to the next while a job runs, though nothing new is to be told: it follows
# from started_at, which stays.
VARIES = "seconds"


class NotModified(Exception):
    """The asker has this already; ``tag`` names it."""

    def __init__(self, tag: str):
        self.tag = tag


def tag_of(*parts) -> str:
    """A weak ETag of some values."""
    text = json.dumps(parts, cls=DjangoJSONEncoder)
    return f'W/"{hashlib.sha256(text.encode()).hexdigest()[:32]}"'


def tag_of_data(data) -> str:
    """A weak ETag of an answer's data."""
    return tag_of(_steady(data))


def _steady(data):
    if isinstance(data, dict):
        return {key: _steady(value) for key, value in data.items() if key != VARIES}
    return [_steady(item) for item in data] if isinstance(data, list | tuple) else data


def is_known(request, tag: str) -> bool:
    """Whether the asker says that it has what ``tag`` names."""
    known = parse_etags(request.headers.get("If-None-Match", ""))
    return "*" in known or tag.removeprefix("W/") in [one.removeprefix("W/") for one in known]


def mark(response, tag: str):
    response["ETag"] = tag
    response.headers.setdefault("Cache-Control", CACHING)
    return response


def unless_known(request, tag: str) -> None:
    """Raise NotModified when the asker has it."""
    if is_known(request, tag):
        raise NotModified(tag)


def not_modified(tag: str) -> HttpResponse:
    response = HttpResponse(status=304)
    del response["Content-Type"]
    return mark(response, tag)
