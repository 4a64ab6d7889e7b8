"""The audit: who did what to which object, from where. ``record`` is its only writer.

It knows the current request, so that services need not pass it on: the middleware opens ``during(request)``
around every request. Outside a request, in a worker or a command, the server is the actor.
"""

from __future__ import annotations

import contextlib
from collections import deque
from contextvars import ContextVar
from datetime import timedelta

from django.conf import settings
from django.db import DatabaseError, models
from django.db.models import Q, QuerySet
from django.utils import timezone

from portal.core import patience
from portal.core.addresses import client_address, network
from portal.core.outages import outage_of
from portal.teams import repeats
from portal.teams.audit_verbs import ACCESS, CALL
from portal.teams.models import AuditEntry, Membership, Result, Team, Via
from workers.contract.messages import changed, msg

_unwritten: deque[AuditEntry] = deque(maxlen=1000)  # the oldest are dropped first
_request: ContextVar = ContextVar("request", default=None)


@contextlib.contextmanager
def during(request):
    """Entries recorded inside belong to this request."""
    request.token, request.audited = None, False
    marker = _request.set(request)
    try:
        yield
    finally:
        _request.reset(marker)


def record(
    verb: str, subject=None, *, team=None, actor=None, label="", detail="", result=Result.DONE
) -> AuditEntry:
    """Add one entry, in the caller's transaction: what is rolled back did not happen.

    ``verb`` is ``object.act``, as in ``run.create``. ``subject`` is the affected row; ``label`` names it if
    there is none. ``team`` defaults to the subject's or the request's, ``actor`` to the request's.
    """
    entry = _entry(verb, subject, team, actor, label, detail, result)
    entry.save(force_insert=True)
    return entry


def _entry(verb: str, subject, team, actor, label: str, detail: str, result: str) -> AuditEntry:
    """An unsaved entry of the current request, which counts as audited."""
    request = _request.get()
    token = getattr(request, "token", None)
    actor = actor or _person(request)
    address = client_address(request) if request else None
    if request is not None:
        request.audited = True
    return AuditEntry(
        team=team or _team_of(subject) or getattr(request, "team", None),
        actor=actor,
        actor_name=actor.get_username() if actor else "",
        via=_via(request, token),
        token=token,
        token_name=clean(str(token), 120) if token else "",
        verb=verb,
        object_type=type(subject).__name__.lower() if subject is not None else "",
        object_id=subject.pk if subject is not None else None,
        object_label=clean(label or (str(subject) if subject is not None else ""), 200),
        detail=changed(detail, lambda text: clean(text, 300)),
        address=address,
        network=network(address),
        result=result,
    )


def refused(verb: str, subject=None, *, within: timedelta | None = None, **fields) -> None:
    """Record a refusal. With ``within``, count it with one that was recorded that recently.

    A program that repeats itself must not flood the audit.
    """
    if within is not None:
        label = clean(fields.get("label") or str(subject or ""), 200)
        same = repeats.refusals(verb, within, _network_here()).filter(object_label=label).first()
        if same is not None:
            return repeats.count(same)
    record(verb, subject, result=Result.REFUSED, **fields)


def refused_call(label: str, detail: str) -> None:
    """Record that the request was refused. ``label`` is its method and path.

    Calls of one kind by one caller share an entry for a minute, see ``repeats``.
    """
    request = _request.get()
    mine = repeats.refusals(ACCESS, repeats.TOGETHER, _network_here())
    mine = mine.filter(actor=_person(request), token=request.token)
    same, label = repeats.of_kind(mine, clean(label, 200))
    if same is not None:
        return repeats.count(same)
    record(ACCESS, label=label, detail=detail, result=Result.REFUSED)


def _network_here() -> str:
    request = _request.get()
    return network(client_address(request) if request else None)


def record_call(label: str, status: int) -> None:
    """Record a token's call that nothing else recorded. Never fails and never delays the response.

    While the database accepts no writes, entries are kept in memory and written with the next one.
    """
    _unwritten.append(
        _entry(CALL, None, None, None, label, msg("status {status}", status=status), Result.DONE)
    )
    with patience.note("calls of tokens in the audit"), contextlib.suppress(IndexError):
        while True:
            _write_or_keep(_unwritten.popleft())


def _write_or_keep(entry: AuditEntry) -> None:
    try:
        entry.save(force_insert=True)
    except DatabaseError as error:
        if outage_of(error):
            _unwritten.appendleft(entry)
        raise


def sweep_calls() -> int:
    """Remove tokens' read-only calls older than AUDIT_CALLS_KEPT_DAYS; return how many.

    They are the bulk of an audit and the least important. Everything else is kept forever.
    """
    if not settings.AUDIT_CALLS_KEPT_DAYS:
        return 0
    horizon = timezone.now() - timedelta(days=settings.AUDIT_CALLS_KEPT_DAYS)
    # Bypasses the manager, which forbids removal; the database lets only these rows go.
    return models.QuerySet(AuditEntry).filter(verb=CALL, at__lt=horizon).delete()[0]


def _via(request, token) -> str:
    if request is None:
        return Via.SERVER
    if token is not None or getattr(request, "bearer_refused", False):
        return Via.TOKEN
    return Via.PASSWORD if getattr(request, "by_password", False) else Via.PAGE


def _person(request):
    user = getattr(request, "user", None)
    return user if user is not None and user.is_authenticated else None


def _team_of(subject) -> Team | None:
    return subject if isinstance(subject, Team) else getattr(subject, "team", None)


def clean(text: str, length: int) -> str:
    """At most ``length`` characters, without any that break a database, a reader or a terminal."""
    text = "".join(letter if letter.isprintable() else " " for letter in str(text))
    return text if len(text) <= length else text[: length - 1] + "…"


def entries_for(team, user) -> QuerySet[AuditEntry]:
    """What an administrator of ``team`` may read: the team's entries, and its people's sign-ins and
    sign-outs.

    Attempts with unknown names are only for administrators of the server.
    """
    people = Membership.objects.filter(team=team).values("user_id")
    seen = Q(team=team) | Q(team=None, object_type="user", object_id__in=people)
    if user.is_superuser:
        seen |= Q(team=None)
    return AuditEntry.objects.filter(seen).select_related("repeats")


def narrow(rows: QuerySet[AuditEntry], wanted: dict) -> QuerySet[AuditEntry]:
    """Filter by AuditForm's cleaned data; a verb without a dot matches all of its kind."""
    if wanted.get("person"):
        rows = rows.filter(actor_name=wanted["person"])
    if wanted.get("verb"):
        rows = rows.filter(Q(verb=wanted["verb"]) | Q(verb__startswith=wanted["verb"] + "."))
    for name in ("via", "result"):
        if wanted.get(name):
            rows = rows.filter(**{name: wanted[name]})
    if wanted.get("since"):
        rows = rows.filter(at__date__gte=wanted["since"])
    if wanted.get("until"):
        rows = rows.filter(at__date__lte=wanted["until"])
    if wanted.get("text"):
        found = Q()
        for name in ("object_label", "detail", "token_name", "actor_name", "address"):
            found |= Q(**{f"{name}__icontains": wanted["text"]})
        rows = rows.filter(found)
    return rows
