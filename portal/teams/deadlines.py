"""A deadline for a whole conversation with another server.

A socket's timeout counts from byte to byte, and a name server's answer has none. So the conversation runs on
a thread of its own, and whoever waits for it leaves in time. Their number is bounded.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any


class Late(Exception):
    """There was no whole answer in time, or too many wait for one."""


class Conversations:
    """At most ``at_once`` conversations with one server, in one process."""

    def __init__(self, name: str, at_once: int = 8):
        self.name, self._slots = name, threading.BoundedSemaphore(at_once)

    def within(self, seconds: float, call: Callable[[], Any]) -> Any:
        """The result of ``call``; raises what it raises, or Late."""
        if not self._slots.acquire(timeout=seconds):
            raise Late(f"too many wait for it already, for {seconds:g} s")
        found: list[tuple[Any, Exception | None]] = []
        thread = threading.Thread(target=self._run, args=(call, found), daemon=True, name=self.name)
        thread.start()
        thread.join(seconds)
        if not found:
            raise Late(f"no whole answer within {seconds:g} s")
        result, error = found[0]
        if error is not None:
            raise error
        return result

    def _run(self, call, found: list) -> None:
        try:
            found.append((call(), None))
        except Exception as error:
            found.append((None, error))
        finally:
            self._slots.release()
