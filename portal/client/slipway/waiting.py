"""Waits for jobs and runs; reads logs as they grow."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from slipway.calls import Calls
from slipway.errors import Failed

FINAL = ("succeeded", "failed", "cancelled")
POLL_SECONDS = 1.0
# A portal may be unreachable during an update; its work continues.
PATIENCE_SECONDS = 300.0
OnChange = Callable[[Any], None]


def until_final(
    calls: Calls, path: str, on_change: OnChange = lambda row: None, timeout: float | None = None
) -> Any:
    """Poll a job, a run or what a job makes until it is final and return it.

    ``on_change`` gets each response. Raises TimeoutError after ``timeout`` seconds.
    """
    deadline = None if timeout is None else time.monotonic() + timeout
    with calls.patient(PATIENCE_SECONDS):
        while True:
            found = calls.poll(path)
            on_change(found)
            status = found["status"] if "status" in found else found["job"]["status"]
            if status in FINAL:
                return found
            if deadline is not None and time.monotonic() > deadline:
                raise TimeoutError(f"{path} is still {status} after {timeout:g} s.")
            time.sleep(POLL_SECONDS)


def log(calls: Calls, job_id: int, follow: bool) -> Iterator[str]:
    """A job's log in pieces: the current text, or, with ``follow``, until the job has ended."""
    with calls.patient(PATIENCE_SECONDS if follow else 0):
        offset, finished = 0, False
        while not finished:
            answer = calls.call("GET", f"jobs/{job_id}/log/", params={"offset": offset})
            reached = int(answer.headers["X-Offset"])
            finished = answer.headers["X-Finished"] == "yes" or (reached == offset and not follow)
            if answer.content:
                yield answer.content.decode(errors="replace")
            elif not finished:
                time.sleep(POLL_SECONDS)
            offset = reached


def succeeded(what: str, row: Mapping[str, Any]) -> None:
    """Raise Failed with its sentence if a job or run did not succeed."""
    if row["status"] != "succeeded":
        raise Failed(row["message"] or f"{what} was {row['status']}.")
