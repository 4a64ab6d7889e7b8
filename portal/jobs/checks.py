"""Reports what this system lacks to confine worker programs, at start and in `check`."""

from __future__ import annotations

import logging
import time

from django.core.checks import Warning as CheckWarning
from django.db import DatabaseError, connection

from portal import machine
from portal.core import schema_state
from portal.jobs import confinement

logger = logging.getLogger(__name__)
LOOK_SECONDS = 5.0
SAID_EVERY = 12  # looks


def check(**kwargs) -> list[CheckWarning]:
    """The system check of `manage.py check`."""
    return [CheckWarning(sentence, id="jobs.W001") for sentence in confinement.missing()]


def on_worker_start(**kwargs) -> None:
    """Run by each Celery worker before it forks: hide it from programs, and log what is missing."""
    machine.hide_process()
    wait_for_tables()
    connection.close()  # pool processes must not inherit it
    for sentence in confinement.missing():
        logger.warning("%s", sentence)


def wait_for_tables() -> None:
    """Return once the database has all that this version needs: a worker may start before it is upgraded.

    A database of a newer version is used: what an older one needs stays in it for one release.
    """
    looks = 0
    while sentence := _lacking():
        if looks % SAID_EVERY == 0:
            logger.warning("This worker waits: %s", sentence)
        looks += 1
        time.sleep(LOOK_SECONDS)
    try:
        unknown = schema_state.newer()
    except DatabaseError:
        unknown = []
    if unknown:
        logger.warning("The database belongs to a newer version (%s): update this worker.", unknown[-1])


def _lacking() -> str:
    """What keeps this worker from using the database; empty if nothing does."""
    try:
        count = schema_state.missing()
    except DatabaseError as error:
        return f"the database cannot be used: {error}"
    return f"{count} migrations are not applied: run manage.py setup with this version" if count else ""
