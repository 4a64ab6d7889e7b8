"""What the portal's own exceptions mean to a caller: HTTP statuses by class, registered by the apps."""

from __future__ import annotations

from portal.core.messages import shown
from workers.contract.messages import msg

NOT_ALLOWED = msg("Your role in this team does not allow this; ask its administrator.")
_statuses: dict[type[Exception], int] = {}


def register(kind: type[Exception], status: int) -> None:
    """Register the HTTP status for an exception class. Its text is a sentence for a person.

    Its attribute ``fields``, if it has one, maps field names to one sentence each.
    """
    _statuses[kind] = status


def status_of(error: Exception) -> int | None:
    """The status of the nearest registered class; None for any other exception."""
    return next((_statuses[kind] for kind in type(error).__mro__ if kind in _statuses), None)


def fields_of(error: Exception) -> dict[str, list[str]] | None:
    fields = getattr(error, "fields", None)
    return {name: [shown(text)] for name, text in fields.items()} if fields else None
