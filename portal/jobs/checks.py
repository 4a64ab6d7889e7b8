"""Says what of the worker programs' confinement this system does not allow: once at start, and in `check`."""

from __future__ import annotations

import logging

from django.core.checks import Warning as CheckWarning

from portal import machine
from portal.jobs import confinement

logger = logging.getLogger(__name__)


def check(**kwargs) -> list[CheckWarning]:
    """The system check of `manage.py check`."""
    return [CheckWarning(sentence, id="jobs.W001") for sentence in confinement.missing()]


def on_worker_start(**kwargs) -> None:
    """Called once by each Celery worker, before it forks: hide from programs, and log what is missing."""
    machine.hide_process()
    for sentence in confinement.missing():
        logger.warning("%s", sentence)
