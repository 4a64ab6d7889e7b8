"""The browsers in which people are signed in: listing and remote sign-out.

A ``SignIn`` row follows a session. The session holds the row's id, the session key that the row knows and the
time of the last write, so that a request costs one write a minute and otherwise no query.
"""

from __future__ import annotations

import time
from datetime import timedelta
from importlib import import_module

from django.conf import settings
from django.utils import timezone

from portal.core import patience
from portal.core.addresses import client_address
from portal.teams.models import SignIn, User

MARK = "sign_in"
WRITE_AFTER_SECONDS = 60
FRESH = timedelta(minutes=10)


def follow(request) -> None:
    """Record that this browser was seen now, at most once a minute. For signed-in sessions only."""
    session = request.session
    if not session.session_key:
        return
    mark = session.get(MARK) or {}
    known = mark.get("key") == session.session_key
    if known and time.time() - mark["at"] < WRITE_AFTER_SECONDS:
        return
    fields = {
        "user": request.user,
        "session_key": session.session_key,
        "address": client_address(request),
        "browser": request.headers.get("User-Agent", "")[:200],
        "seen_at": timezone.now(),
    }
    # A changed password gives the session another key; the browser is the same.
    with patience.note("that a browser was seen"):
        if not SignIn.objects.filter(pk=mark.get("pk"), user=request.user).update(**fields):
            row, _ = SignIn.objects.update_or_create(session_key=session.session_key, defaults=fields)
            mark = {"pk": row.pk}
        session[MARK] = {"pk": mark["pk"], "key": session.session_key, "at": time.time()}


def is_fresh(request) -> bool:
    """Whether this browser signed in within the last ten minutes: for what a stolen session must not do."""
    since = timezone.now() - FRESH
    row = SignIn.objects.filter(user=request.user, session_key=request.session.session_key or "")
    return row.filter(created_at__gt=since).exists()


def current(user: User) -> list[SignIn]:
    """Where the person is signed in, most recently seen first. Rows of ended sessions are removed in
    passing.
    """
    store = _store()
    rows = list(user.sign_ins.all())
    ended = [row.pk for row in rows if not store().exists(row.session_key)]
    if ended:
        with patience.note("rows of ended sessions"):
            SignIn.objects.filter(pk__in=ended).delete()
    return [row for row in rows if row.pk not in ended]


def end(rows) -> int:
    """Sign these browsers out; return how many."""
    rows = list(rows)
    for row in rows:
        _store()().delete(row.session_key)
        row.delete()
    return len(rows)


def _store():
    return import_module(settings.SESSION_ENGINE).SessionStore
