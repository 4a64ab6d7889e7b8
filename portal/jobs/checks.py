"""Reports what this system lacks to confine worker programs, at start and in `check`."""

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
    """Run by each Celery worker before it forks: hide it from programs, and log what is missing."""
    machine.hide_process()
    for sentence in confinement.missing():
        logger.warning("%s", sentence)
