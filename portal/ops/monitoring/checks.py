"""Whether this server can do its work: database, tables, stored files, disk, broker."""

from __future__ import annotations

import logging
import shutil
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as TooLong
from dataclasses import dataclass

from django.conf import settings
from django.core.files.storage import default_storage
from django.db import connection

from portal.celery import app
from portal.core import schema_state

logger = logging.getLogger(__name__)

SECONDS = 3.0  # for each check
SHARED_SECONDS = 2.0  # one answer serves all who ask within this time
LEAST_FREE_BYTES = 512 * 1024 * 1024
PROBE = "readiness-probe"  # a stored file that never exists


@dataclass(frozen=True)
class Check:
    """``needed``: without it the server must get no requests."""

    name: str
    look: Callable[[], str]  # returns what is wrong, or nothing
    needed: bool


def _database() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return ""


def _tables() -> str:
    """Tables only ever gain migrations, and reading all of these takes a second: once right, always right."""
    if _tables_are_right:
        return ""
    if missing := schema_state.missing():
        return f"{missing} migrations are not applied: run manage.py setup with this version"
    _tables_are_right.append(True)
    return ""


def _storage() -> str:
    default_storage.exists(PROBE)
    return ""


def _disk() -> str:
    free = shutil.disk_usage(settings.VAR_DIR).free
    return "" if free >= LEAST_FREE_BYTES else f"only {free // 1024**2} MB are free in SLIPWAY_VAR"


def _broker() -> str:
    with app.connection_for_read() as broker:
        broker.ensure_connection(max_retries=1, timeout=SECONDS)
        broker.default_channel.client.ping()
    return ""


CHECKS = (
    Check("database", _database, True),
    Check("tables", _tables, True),
    Check("storage", _storage, True),
    Check("disk", _disk, False),
    # Jobs that cannot be announced stay queued and are announced later.
    Check("broker", _broker, False),
)
_tables_are_right: list[bool] = []
_pool = ThreadPoolExecutor(len(CHECKS), thread_name_prefix="readiness")
_lock = threading.Lock()
_shared: tuple[float, dict] = (0.0, {})
_busy: dict[str, Future] = {}


def readiness() -> dict:
    """``{"ready": bool, "checks": {name: "ok" or what is wrong}}``, at most SHARED_SECONDS old.

    A check that hangs is reported and not started a second time until it has ended.
    """
    global _shared
    with _lock:
        if time.monotonic() - _shared[0] > SHARED_SECONDS:
            _shared = (time.monotonic(), _look())
        return _shared[1]


def _look() -> dict:
    for check in CHECKS:
        if check.name not in _busy:
            _busy[check.name] = _pool.submit(_closing, check)
    deadline = time.monotonic() + SECONDS
    found = {check.name: _answer(check, deadline) for check in CHECKS}
    return {"ready": all(found[check.name] == "ok" for check in CHECKS if check.needed), "checks": found}


def _answer(check: Check, deadline: float) -> str:
    try:
        wrong = _busy[check.name].result(max(0.01, deadline - time.monotonic()))
    except TooLong:
        return f"no answer within {SECONDS:.0f} s"
    except Exception as error:
        logger.warning("Not ready: %s: %s", check.name, error)
        wrong = "cannot be reached or used: see this server's log"
    _busy.pop(check.name, None)
    return wrong or "ok"


def _closing(check: Check) -> str:
    try:
        return check.look()
    finally:
        connection.close()  # this thread's own
