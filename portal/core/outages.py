"""Outages: a busy database or a full disk, each with a sentence and a time to try again."""

from __future__ import annotations

from dataclasses import dataclass

from portal.core.diskspace import SENTENCE, no_space
from portal.core.patience import is_busy
from workers.contract.messages import msg

BUSY = msg("The server's database is busy: wait a few seconds, then try again.")


@dataclass(frozen=True)
class Outage:
    """``status`` is the HTTP status; ``seconds`` goes into ``Retry-After``."""

    status: int
    sentence: str
    seconds: int


def outage_of(error: BaseException | None) -> Outage | None:
    """The outage that caused ``error``; None for any other cause, such as a bug."""
    if no_space(error):
        return Outage(507, SENTENCE, 60)
    if is_busy(error):
        return Outage(503, BUSY, 5)
    return None
