"""Reads the host key that an address shows, for a person who waits in front of a page or a call.

Chosen over a job, because the person needs the answer to go on, and bounded so that no server can hold the
web's threads: an answer, or a sentence, comes within ``SECONDS`` whatever the server does, name resolution
included. What still hangs then goes on in a thread of its own, which nobody waits for, and keeps its place:
at most one a team and ``AT_ONCE`` in a process, so that a team which asks tarpits stands in its own way only.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable

from portal.devices.errors import Unreachable
from portal.devices.hostkeys import HostKey
from workers.contract.messages import msg

SECONDS = 5.0
AT_ONCE = 4


class Busy(Unreachable):
    """As many host keys are being read as may be."""

    code = "busy"


class Places:
    """Who is reading a host key in this process."""

    def __init__(self):
        self._lock = threading.Lock()
        self._teams: set[int] = set()

    def take(self, team_id: int) -> None:
        """Raises Busy."""
        with self._lock:
            if team_id in self._teams:
                raise Busy(msg("Your team is reading another board's host key: try again in a few seconds."))
            if len(self._teams) >= AT_ONCE:
                raise Busy(
                    msg("Too many host keys are being read at the moment: try again in a few seconds.")
                )
            self._teams.add(team_id)

    def leave(self, team_id: int) -> None:
        with self._lock:
            self._teams.discard(team_id)


places = Places()


def shown_within(team_id: int, read: Callable[[], HostKey], address: str) -> HostKey:
    """What ``read`` returns or raises, or Unreachable when it takes too long; Busy when it may not begin."""
    taken = places
    taken.take(team_id)
    answer: queue.SimpleQueue = queue.SimpleQueue()

    def work() -> None:
        try:
            answer.put((read(), None))
        except Exception as error:
            answer.put((None, error))
        finally:
            taken.leave(team_id)

    threading.Thread(target=work, daemon=True, name="host key").start()
    try:
        key, error = answer.get(timeout=SECONDS)
    except queue.Empty:
        raise Unreachable(
            msg(
                "{address} did not show its host key within {seconds} seconds: check the address "
                "and port, and that the board has finished starting, then try again.",
                address=address,
                seconds=f"{SECONDS:g}",
            )
        ) from None
    if error is not None:
        raise error
    return key
