"""Ends an execution: turns any exception into one status with one sentence, and writes it.

It does no work itself. Whatever raises, wherever, ends the job here, once.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.db import InterfaceError, OperationalError, close_old_connections

from portal.core.diskspace import SENTENCE, no_space
from portal.core.echoes import shortened
from portal.core.outages import outage_of
from portal.core.storage_outages import is_away
from portal.jobs import hooks, kinds
from portal.jobs.context import Cancelled, Superseded, TimedOut
from portal.jobs.models import ErrorKind, IllegalTransition, Job, Status
from portal.jobs.reports import NoResult
from workers.contract import ProgramError
from workers.contract.messages import join, msg

logger = logging.getLogger(__name__)
LONGEST_PAUSE = 2.0
LONGEST = 2000  # characters of a failure message
FOLLOW_UP_SECONDS = 10.0  # the sweeps finish it otherwise


@dataclass(frozen=True)
class Ending:
    """A final status and its reason."""

    status: Status
    reason: str
    error_kind: str = ""
    result: dict[str, Any] = field(default_factory=dict)


STOPPED = Ending(Status.CANCELLED, msg("stopped on request"))
STOPPED_LATE = Ending(Status.CANCELLED, msg("stopped on request just as it finished"))


def of_error(error: Exception, job: Job) -> Ending | None:
    """The ending for an exception from ``prepare``, ``perform``, the program, storing or ``complete``.

    None if someone else has already ended the job.
    """
    if isinstance(error, Superseded | IllegalTransition):
        return None
    if isinstance(error, Cancelled):
        return STOPPED
    if isinstance(error, TimedOut):
        return failed(
            ErrorKind.TOOLCHAIN,
            msg(
                "It ran longer than {minutes} minutes and was stopped: see its log, then retry it.",
                minutes=kinds.get(job.kind).time_limit // 60,
            ),
        )
    if no_space(error):
        logger.error("%s ended because the disk is full: %s", job, error)
        return failed(ErrorKind.TOOLCHAIN, SENTENCE)
    if isinstance(error, ProgramError):
        return failed(error.kind, str(error))
    if outage := outage_of(error):
        logger.error("%s ended because of an outage: %s", job, error)
        return failed(ErrorKind.TOOLCHAIN, outage.sentence)
    if isinstance(error, NoResult):
        return failed(ErrorKind.INTERNAL, join([str(error), msg("The log's last lines say more.")]))
    logger.error("%s failed", job, exc_info=error)
    return unexpected(job)


def unexpected(job: Job) -> Ending:
    return failed(
        ErrorKind.INTERNAL, msg("Unexpected error, job {pk}. The server's log has the details.", pk=job.pk)
    )


def of_result(result: dict[str, Any]) -> Ending:
    """The ending of a program that reports its own failure."""
    return failed(result.get("kind", ErrorKind.TOOLCHAIN), result["message"], result)


def failed(error_kind: str, message: str, result: dict[str, Any] | None = None) -> Ending:
    message = shortened(message, LONGEST)  # the log has the rest
    return Ending(Status.FAILED, message, str(error_kind), result or {})


def end(job: Job, ending: Ending) -> bool:
    """Give the job its final status. False if someone else has already ended it.

    Retries for JOB_END_PATIENCE_SECONDS while the database is locked, unreachable or full, then raises its
    error; the reaper ends the job then. What the database rejects for good, such as a text that it cannot
    store, becomes an unexpected error with the job's number.
    """
    try:
        patiently(lambda: _write(job, ending), job)
    except IllegalTransition:
        logger.warning("%s was ended by somebody else; its result is dropped", job)
        return False
    except Exception as error:
        if may_pass(error):
            raise
        logger.exception("the database refused how %s ended", job)
        patiently(lambda: _write(job, unexpected(job)), job)
    return True


def _write(job: Job, ending: Ending) -> None:
    fields = {}
    if ending.status == Status.FAILED:
        fields = {"error_kind": ending.error_kind, "message": ending.reason, "result": ending.result}
    job.move_to(ending.status, ending.reason, **fields)


def follow_up(job: Job, patience: float = 0.0) -> None:
    """Let the kind run its follow-up. Never raises: the status stands whatever happens here.

    The sweeps finish what an error leaves undone. ``patience`` is in seconds, as for ``patiently``.
    """
    try:
        patiently(lambda: _follow(job), job, patience)
    except Exception:
        logger.exception("what follows the end of %s could not be done", job)


def _follow(job: Job) -> None:
    kinds.get(job.kind).after(job)
    hooks.ended(job)


def patiently(step: Callable[[], Any], job: Job, patience: float | None = None) -> Any:
    """Retry ``step`` until database and file storage let it pass, and return what it returns; after
    ``patience`` seconds, raise its error.

    None means JOB_END_PATIENCE_SECONDS.
    """
    patience = settings.JOB_END_PATIENCE_SECONDS if patience is None else patience
    deadline, pause = time.monotonic() + patience, 0.1
    while True:
        try:
            return step()
        except Exception as error:
            if not may_pass(error) or time.monotonic() + pause > deadline:
                raise
            logger.warning("%s waits for the database or the file storage (%s)", job, error)
        close_old_connections()  # a broken connection is reopened
        time.sleep(pause)
        pause = min(2 * pause, LONGEST_PAUSE)


def may_pass(error: Exception) -> bool:
    """Whether a retry may succeed: the database is locked, unreachable or full, or the file storage away."""
    return isinstance(error, OperationalError | InterfaceError) or is_away(error)
