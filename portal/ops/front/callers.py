"""Whether the caller may send a large body, checked before the body is read.

The same checks as for the request itself: sessions as for pages, tokens and passwords as for the API,
throttled and recorded in the same way. The result, also a negative one, is cached for a few seconds.
"""

from __future__ import annotations

import hashlib
import time
from importlib import import_module

from django.conf import settings
from django.contrib.auth import get_user
from django.contrib.auth.models import AnonymousUser
from django.db import close_old_connections
from rest_framework.authentication import SessionAuthentication
from rest_framework.exceptions import APIException
from rest_framework.request import Request
from rest_framework.settings import api_settings

from portal.core.problems import handle_exception
from portal.ops.front import limits
from portal.ops.front.asked import Asked
from portal.ops.front.refusals import Refusal, sign_in_first, unknown_caller
from portal.teams import audit


class Callers:
    """A bounded cache of verdicts. Several threads may use it: at worst, one checks twice."""

    def __init__(self):
        self._known: dict[bytes, tuple[float, int | Refusal]] = {}

    @staticmethod
    def key(asked: Asked) -> bytes:
        """The caller's key before anything is checked."""
        request = asked.request()
        session = request.COOKIES.get(settings.SESSION_COOKIE_NAME, "")
        words = (session, asked.headers.get("HTTP_AUTHORIZATION", ""), asked.address, str(asked.is_api))
        return hashlib.sha256("\0".join(words).encode("utf-8", "surrogateescape")).digest()

    def remembered(self, asked: Asked) -> int | Refusal | None:
        until, found = self._known.get(self.key(asked), (0.0, None))
        return found if until > time.monotonic() else None

    def judge(self, asked: Asked) -> int | Refusal:
        """The primary key of the caller, or why their body is not read. Queries the database."""
        found = _judge(asked)
        while len(self._known) >= limits.JUDGED_KEPT:
            self._known.pop(next(iter(self._known)))
        self._known[self.key(asked)] = (time.monotonic() + limits.JUDGED_SECONDS, found)
        return found


def _judge(asked: Asked) -> int | Refusal:
    close_old_connections()
    try:
        request = asked.request()
        request.session = import_module(settings.SESSION_ENGINE).SessionStore(
            request.COOKIES.get(settings.SESSION_COOKIE_NAME)
        )
        person = get_user(request)
        if not person.is_authenticated and asked.is_api:
            person = _by_header(request)
        if person.is_authenticated and person.is_active:
            return person.pk
        return unknown_caller() if asked.is_api else sign_in_first()
    except APIException as error:
        answer = handle_exception(error, {})
        headers = {
            name: answer[name] for name in ("WWW-Authenticate", "Retry-After") if name in answer.headers
        }
        headers.setdefault("WWW-Authenticate", unknown_caller().headers["WWW-Authenticate"])
        return Refusal(answer.status_code, str(error.detail), headers)
    finally:
        close_old_connections()


def _by_header(request):
    """The owner of a token or password; AnonymousUser without either. Raises APIException."""
    request.user = AnonymousUser()
    ways = [way() for way in api_settings.DEFAULT_AUTHENTICATION_CLASSES if way is not SessionAuthentication]
    ways = [way for way in ways if not isinstance(way, SessionAuthentication)]
    with audit.during(request):
        return Request(request, authenticators=ways).user
