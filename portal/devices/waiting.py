"""Waits for a board in a separate thread, so that no board can block the thread that runs the job.

paramiko waits in many places, some without a deadline, and name resolution cannot be interrupted at all. Here
such a call runs in a helper thread, while the caller waits for it with a deadline and checks twice a second
whether it should stop. A call that stays stuck costs one idle daemon thread and no job slot.
"""

from __future__ import annotations

import contextlib
import queue
import threading
import time
from collections.abc import Callable
from typing import Any

POLL_SECONDS = 0.25


class Overdue(Exception):
    """The call did not finish before its deadline; it may still be running in its thread."""


class _Call:
    def __init__(self, function: Callable[[], Any]):
        self._function = function
        self.ended = threading.Event()
        self._value: Any = None
        self._error: BaseException | None = None

    def run(self) -> None:
        try:
            self._value = self._function()
        except BaseException as error:
            self._error = error
        finally:
            self._function = None  # type: ignore[assignment]  # frees what it refers to
            self.ended.set()

    def result(self) -> Any:
        if self._error is not None:
            # Taken out: an error that refers to its own frame, and so to itself, is freed late.
            error, self._error = self._error, None
            raise error
        return self._value


class Helper:
    """One thread that makes calls for its owner, one after the other.

    A call made while an earlier one is stuck waits behind it, and becomes overdue too.
    """

    def __init__(self, name: str):
        self._name = name
        self._calls: queue.SimpleQueue[_Call | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None

    def call(
        self, function: Callable[[], Any], seconds: float, on_wait: Callable[[], None] | None = None
    ) -> Any:
        """Return or raise the outcome of ``function``.

        ``on_wait`` is called while this waits; what it raises ends the wait. Raises Overdue after
        ``seconds``.
        """
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, daemon=True, name=self._name)
            self._thread.start()
        call = _Call(function)
        self._calls.put(call)
        deadline = time.monotonic() + seconds
        while not call.ended.wait(max(0.0, min(POLL_SECONDS, deadline - time.monotonic()))):
            if on_wait is not None:
                on_wait()
            if time.monotonic() >= deadline:
                raise Overdue
        return call.result()

    def close(self) -> None:
        """Let the thread end after the calls made so far."""
        self._calls.put(None)

    def _run(self) -> None:
        while (call := self._calls.get()) is not None:
            call.run()
            del call  # not kept while waiting for the next one


def call_within(
    function: Callable[[], Any], seconds: float, on_wait: Callable[[], None] | None = None
) -> Any:
    """Make one call with a deadline. Raises Overdue, and what ``function`` or ``on_wait`` raise."""
    helper = Helper("one-call")
    with contextlib.closing(helper):
        return helper.call(function, seconds, on_wait)
