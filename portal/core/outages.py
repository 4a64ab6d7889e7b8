"""Outages: a busy database, a full disk or an absent file storage, each with a sentence and a time to try
again.
"""

from __future__ import annotations

from dataclasses import dataclass

from portal.core.diskspace import SENTENCE, no_space
from portal.core.patience import is_busy
from portal.core.storage_outages import SENTENCE as STORAGE_AWAY
from portal.core.storage_outages import is_away
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
    if is_away(error):
        return Outage(503, STORAGE_AWAY, 15)
    return None
