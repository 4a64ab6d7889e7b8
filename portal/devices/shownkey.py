"""Reads the host key that an address shows, while a person waits for it.

Not a job, because the person needs the answer to go on. Bounded, so that no server can block the web threads:
a result or an error comes within ``SECONDS`` whatever the server does, including DNS. A call that still hangs
then continues in a thread of its own, which nobody waits for, and keeps its slot: at most one per team and
``AT_ONCE`` per process, so that a team with unresponsive addresses blocks only itself.
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
    """The maximum number of host keys is being read."""

    code = "busy"


class Places:
    """Tracks who is reading a host key in this process."""

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
    """The outcome of ``read``, or Unreachable if it takes too long; Busy if it may not start."""
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
