"""Limits the calls per minute of a token, or of a person without one. Refused calls count too.

A sliding window: calls of the previous clock minute count with the share of it that lies within the last 60
seconds. So nobody gets twice the limit around the turn of a minute.

Counted in the broker's Redis, so that the limit spans all web processes. While the broker is unreachable,
each process counts by itself: calls matter more than their count. The headers are those of
draft-ietf-httpapi-ratelimit-headers: ``RateLimit-Policy`` and ``RateLimit``; a refusal has ``Retry-After``.
"""

from __future__ import annotations

import math
import time
from collections import Counter
from functools import cache

import redis
from django.conf import settings
from django.utils.translation import gettext as _
from rest_framework import exceptions
from rest_framework.throttling import BaseThrottle

from portal.core.addresses import client_address, network
from portal.core.relay import AWAY

WINDOW = 60
WITHOUT_BROKER = 10  # seconds until an unreachable broker is tried again
PATIENCE = 0.2
_alone: Counter = Counter()
_away_until = 0.0


class TooManyCalls(exceptions.Throttled):
    """Says how long to wait, without the framework's own suffix."""

    def __init__(self, wait: int):
        exceptions.APIException.__init__(self, sentence(wait))
        self.wait = wait


def sentence(wait: int) -> str:
    return _("Too many calls within a minute: wait %(seconds)d s and go on.") % {"seconds": wait}


class CallsPerMinute(BaseThrottle):
    """Admits calls within the limit; bytes of an upload do not count.

    A request counts once, however often it is checked.
    """

    def allow_request(self, request, view) -> bool:
        if request.method in getattr(view, "unlimited_methods", ()):
            return True
        if was_counted(request):
            return not is_above(request)
        self.seconds = seconds_to_wait(request)
        return not self.seconds

    def wait(self) -> int:
        return self.seconds


def seconds_to_wait(request) -> int:
    """Count this request (the framework's or Django's) and return how long the caller must wait, 0 for not
    at all.
    """
    limit = settings.API_CALLS_PER_MINUTE
    if not limit:
        return 0
    now = time.time()
    spent, window = now % WINDOW, int(now // WINDOW)
    before, here = count(_caller(request), window)
    # Refused calls of the previous minute do not count.
    used = min(before, limit) * (1 - spent / WINDOW) + here
    plain = getattr(request, "_request", request)  # the middleware reads it there
    plain.calls = (limit, max(0, math.floor(limit - used)), math.ceil(WINDOW - spent))
    plain.calls_above = math.ceil(max(0.0, used - limit))
    return math.ceil(_pause(min(before, limit), here, limit) - spent) if used > limit else 0


def _pause(before: int, here: int, limit: int) -> float:
    """Seconds from the start of the clock minute until there is room for another call."""
    if here < limit:
        return WINDOW * (1 - (limit - here - 1) / before)
    return WINDOW + WINDOW / limit  # the next minute then follows a full one


def was_counted(request) -> bool:
    return getattr(request, "calls", None) is not None


def is_above(request) -> bool:
    """Whether the request exceeded the limit."""
    return getattr(request, "calls_above", 0) > 0


def is_first_above(request) -> bool:
    """Whether it was the first such request of its minute."""
    return getattr(request, "calls_above", 0) == 1


def _caller(request) -> str:
    token = getattr(request, "token", None)
    if token:
        return f"token:{token.pk}"
    person = request.user.pk
    return f"user:{person}" if person else f"address:{network(client_address(request))}"


def write_on(response, request) -> None:
    """Put the limit, what remains of it and for how many seconds into a response's headers."""
    calls = getattr(request, "calls", None)
    if calls:
        limit, left, seconds = calls
        response["RateLimit-Policy"] = f'"minute";q={limit};w={WINDOW}'
        response["RateLimit"] = f'"minute";r={left};t={seconds}'


def count(caller: str, window: int) -> tuple[int, int]:
    """Count one call. Return the counts of the previous window and of this one."""
    global _away_until
    if time.monotonic() >= _away_until:
        try:
            earlier, key = (f"slipway:calls:{caller}:{number}" for number in (window - 1, window))
            together = _broker().pipeline(transaction=True).get(earlier).incr(key).expire(key, 2 * WINDOW)
            before, here, _ = together.execute()
            return int(before or 0), here
        except AWAY:
            _away_until = time.monotonic() + WITHOUT_BROKER
    for key in [key for key in _alone if key[1] < window - 1]:
        del _alone[key]
    _alone[caller, window] += 1
    return _alone[caller, window - 1], _alone[caller, window]


@cache
def _broker() -> redis.Redis:
    address = settings.CELERY_BROKER_URL.replace("redis+socket://", "unix://", 1)
    return redis.Redis.from_url(address, socket_timeout=PATIENCE, socket_connect_timeout=PATIENCE)
