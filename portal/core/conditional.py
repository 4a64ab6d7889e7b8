"""Conditional requests (RFC 9110, section 13).

A representation that the caller already has is answered with 304. ``If-Match`` prevents overwriting someone
else's change (412). The tags are weak: they promise the same meaning, not the same bytes. ``If-Match`` still
compares them, for a change overwrites meanings.
"""

from __future__ import annotations

import functools
import hashlib
import json

from django.core.serializers.json import DjangoJSONEncoder
from django.db import transaction
from django.http import HttpResponse
from django.utils.http import parse_etags
from rest_framework.exceptions import APIException, ValidationError

from portal.core.messages import shown
from workers.contract.messages import msg

CACHING = "private, no-cache"  # cache it, but revalidate each time
# Values that differ between calls while a job runs, without any news: they follow from started_at, which is
# part of the tag.
VARIES = "seconds"


class NotModified(Exception):
    """The caller has this representation already; ``tag`` names it."""

    def __init__(self, tag: str):
        self.tag = tag


def tag_of(*parts) -> str:
    """A weak ETag of some values."""
    text = json.dumps(parts, cls=DjangoJSONEncoder)
    return f'W/"{hashlib.sha256(text.encode()).hexdigest()[:32]}"'


def tag_of_data(data) -> str:
    """A weak ETag of a response's data."""
    return tag_of(_steady(data))


def _steady(data):
    if isinstance(data, dict):
        return {key: _steady(value) for key, value in data.items() if key != VARIES}
    return [_steady(item) for item in data] if isinstance(data, list | tuple) else data


def is_known(request, tag: str) -> bool:
    """Whether the caller already has the representation named by ``tag``."""
    known = parse_etags(request.headers.get("If-None-Match", ""))
    return "*" in known or tag.removeprefix("W/") in [one.removeprefix("W/") for one in known]


class Changed(APIException):
    status_code = 412


def unless_changed(view, handler):
    """Wrap the handler of a change: with ``If-Match``, it changes the state named there, or nothing."""

    @functools.wraps(handler)
    def guarded(request, *args, **kwargs):
        wanted = request.headers.get("If-Match")
        if wanted is None:
            return handler(request, *args, **kwargs)
        with transaction.atomic():
            # One such change per team at a time.
            team = request.team
            type(team)._base_manager.select_for_update(no_key=True).get(pk=team.pk)
            tag, known = _tag_now(view, request, *args, **kwargs), parse_etags(wanted)
            if "*" not in known and tag not in known:
                sentence = msg("It has changed since you read it: read it again and repeat your change.")
                raise Changed(shown(sentence))
            return handler(request, *args, **kwargs)

    return guarded


def _tag_now(view, request, *args, **kwargs) -> str:
    """The ETag that a GET of this path would have now."""
    reads = view.action_map.get("get")
    if reads is None or not view.parser_classes:
        raise ValidationError(
            {"If-Match": [shown(msg("Nothing can be read at this address: leave it out."))]}
        )
    action, view.action = view.action, reads
    answer = getattr(view, reads)(request, *args, **kwargs)
    view.action = action
    return answer.headers.get("ETag") or tag_of_data(answer.data)


def mark(response, tag: str):
    response["ETag"] = tag
    response.headers.setdefault("Cache-Control", CACHING)
    return response


def unless_known(request, tag: str) -> None:
    """Raise NotModified if the caller has it."""
    if is_known(request, tag):
        raise NotModified(tag)


def not_modified(tag: str) -> HttpResponse:
    response = HttpResponse(status=304)
    del response["Content-Type"]
    return mark(response, tag)
