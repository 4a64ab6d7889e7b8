"""How long the portal waits for its database, and which writes may be skipped.

A request waits at most ``WEB_SECONDS`` for a lock, then asks the person to try again; workers wait as long as
the settings say. A write that nobody waits for (when a token was used, that a page was read) is skipped and
logged while the database is busy or its disk full: reading must not need a write.
"""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Iterator
from contextlib import nullcontext

from django.core.signals import request_started
from django.db import DatabaseError, InterfaceError, OperationalError, connection, transaction
from django.db.backends.signals import connection_created

from portal.core.diskspace import no_space

logger = logging.getLogger(__name__)
WEB_SECONDS = 5.0
NOTE_SECONDS = 0.2
_here = threading.local()  # whether this thread serves requests
_DEEPEST = 20
# PostgreSQL: connection lost, transaction conflict, too many connections, lock timeout, shutting down.
# https://www.postgresql.org/docs/17/errcodes-appendix.html
_BUSY_CLASSES = ("08", "40", "53", "57")
_NO_LOCK = "55P03"
_BUSY_WORDS = ("locked", "busy", "unable to open database file")  # SQLite


def is_busy(error: BaseException | None) -> bool:
    """Whether the database failed only for the moment, so that a retry may succeed."""
    for _ in range(_DEEPEST):
        if error is None:
            return False
        if isinstance(error, OperationalError | InterfaceError) and _is_busy(error):
            return True
        error = error.__cause__ or error.__context__
    return False


def _is_busy(error: DatabaseError) -> bool:
    driver = error.__cause__
    if driver is not None and type(driver).__module__.startswith("psycopg"):
        state = getattr(driver, "sqlstate", None)  # None: the server is unreachable, or hung up
        return state is None or state == _NO_LOCK or state.startswith(_BUSY_CLASSES)
    return any(word in str(error) for word in _BUSY_WORDS)


@contextlib.contextmanager
def note(what: str) -> Iterator[None]:
    """A write that may be skipped: the block waits at most ``NOTE_SECONDS`` for a lock.

    A busy database or a full disk is logged with ``what``; any other error is raised. Open a transaction in
    the block if it writes more than one row.
    """
    entered = False
    try:
        # Within a transaction, a failure must not break what follows; without one, no savepoint is needed.
        with _waiting(NOTE_SECONDS), transaction.atomic() if connection.in_atomic_block else nullcontext():
            entered = True
            yield
    except DatabaseError as error:
        if not entered or (not is_busy(error) and not no_space(error)):
            raise
        logger.warning("left out: %s (%s)", what, error)


@contextlib.contextmanager
def _waiting(seconds: float) -> Iterator[None]:
    if connection.in_atomic_block:  # its owner chose how long to wait, and may hold the lock already
        yield
        return
    before = _configured()
    # A database that is away says so again where it is used.
    with contextlib.suppress(DatabaseError):
        _set(seconds)
    try:
        yield
    finally:
        if connection.connection is not None:
            with contextlib.suppress(DatabaseError):
                _set(before)


def _configured() -> float:
    if getattr(_here, "is_web", False):
        return WEB_SECONDS
    return float(connection.settings_dict["OPTIONS"].get("timeout", 0))


def _set(seconds: float) -> None:
    """Set how long this connection waits for a lock; 0 means forever in PostgreSQL and not at all in
    SQLite.
    """
    connection.ensure_connection()
    milliseconds = int(1000 * seconds)
    name = "PRAGMA busy_timeout =" if connection.vendor == "sqlite" else "SET lock_timeout ="
    # Bypasses Django's cursors, so that it is neither counted nor logged as a query of the page.
    with connection.wrap_database_errors, contextlib.closing(connection.connection.cursor()) as cursor:
        cursor.execute(f"{name} {milliseconds}")


def _on_request_started(**_) -> None:
    """From its first request on, a thread waits as long as a request may."""
    if not getattr(_here, "is_web", False):
        _here.is_web = True
        if connection.connection is not None and not connection.in_atomic_block:
            try:
                _set(WEB_SECONDS)
            except DatabaseError:  # it broke between two requests: the next query makes another one
                connection.close()


def _connected(connection, **_) -> None:
    if getattr(_here, "is_web", False) and connection.alias == "default":
        _set(WEB_SECONDS)


def set_up() -> None:
    request_started.connect(_on_request_started, dispatch_uid="patience")
    connection_created.connect(_connected, dispatch_uid="patience")
