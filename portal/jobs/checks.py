"""Says what of the worker programs' confinement this system does not allow: once at start, and in `check`."""

from __future__ import annotations

import logging

from django.core.checks import Warning as CheckWarning

from portal.jobs import confinement

logger = logging.getLogger(__name__)


def check(**kwargs) -> list[CheckWarning]:
    """The system check of `manage.py check`."""
    return [CheckWarning(sentence, id="jobs.W001") for sentence in confinement.missing()]


def warn(**kwargs) -> None:
    """Log it; called once by each Celery worker that starts."""
    for sentence in confinement.missing():
        logger.warning("%s", sentence)
