"""Waits for jobs and runs and shows how far they are; reads logs as they grow."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from typing import Any

from portal.cli.client import Client
from portal.cli.errors import Failed, Interrupted
from portal.cli.screen import Screen, plain, seconds

FINAL = ("succeeded", "failed", "cancelled")
POLL_SECONDS = 1.0
# A portal that is being updated is away for a while; what it does meanwhile goes on.
PATIENCE_SECONDS = 300.0


@contextlib.contextmanager
def goes_on(hint: str) -> Iterator[None]:
    """Ctrl-C inside leaves the portal's work alone and says how to look at it again."""
    try:
        yield
    except KeyboardInterrupt as error:
        raise Interrupted(hint) from error


def job(client: Client, screen: Screen, job_id: int, name: str) -> dict:
    """Wait until a job is final and return it."""
    with goes_on(f"It goes on without us: slipway log -f {job_id}"):
        return until_final(client, screen, f"jobs/{job_id}/", lambda row: [(name, row)])


def run(client: Client, screen: Screen, run_id: int) -> dict:
    """Wait until a run is final and return it."""
    hint = f"Run {run_id} goes on. Look again: slipway watch {run_id}  Stop it: slipway cancel run/{run_id}"
    with goes_on(hint):
        return until_final(client, screen, f"runs/{run_id}/", steps_of)


def steps_of(run: dict) -> list[tuple[str, dict | None]]:
    """The steps of a run's answer: a name, and its job, None for one that was not started."""
    return [("Data", run["ingest_job"]), *((step["title"], step["job"]) for step in run["steps"])]


def until_final(client: Client, screen: Screen, path: str, steps) -> dict:
    """Ask for a job or run until it is final and return it; ``steps`` makes of it what is shown."""
    with client.patient(PATIENCE_SECONDS), _Steps(screen) as shown:
        while True:
            found = client.poll(path)
            shown.show(steps(found))
            if found["status"] in FINAL:
                return found
            time.sleep(POLL_SECONDS)


class _Steps:
    """The steps on the screen: a bar for each, or a line whenever a phase changes."""

    def __init__(self, screen: Screen):
        self.screen = screen
        self.progress = screen.steps_bars()
        self.bars: list[Any] = []
        self.said: dict[int, tuple[str, str]] = {}

    def __enter__(self) -> _Steps:
        self.progress.start()
        return self

    def __exit__(self, *exc_info) -> None:
        self.progress.stop()

    def show(self, steps: list[tuple[str, dict | None]]) -> None:
        for place, (name, job) in enumerate(steps):
            if place == len(self.bars):
                self.bars.append(self.progress.add_task(plain(name), total=100, state="waiting", took=""))
            if job is None:
                continue
            self._move(self.bars[place], job)
            if not self.screen.shows_bars:
                self._say(place, name, job)

    def _move(self, bar, job: dict) -> None:
        if job["status"] == "queued":
            return
        done = 100 if job["status"] == "succeeded" else job["percent"] or 0
        state = job["phase"] if job["status"] == "running" and job["phase"] else job["status"]
        self.progress.update(bar, completed=done, state=plain(state), took=seconds(job["seconds"]))

    def _say(self, place: int, name: str, job: dict) -> None:
        now = (job["status"], job["phase"])
        if self.said.get(place) != now:
            self.said[place] = now
            self.screen.note(f"{name}: {' '.join(filter(None, now))}")


def log(client: Client, job_id: int, follow: bool) -> Iterator[str]:
    """A job's log in pieces: what is there, or, to ``follow``, until the job has ended."""
    with client.patient(PATIENCE_SECONDS if follow else 0):
        offset, finished = 0, False
        while not finished:
            answer = client.call("GET", f"jobs/{job_id}/log/", params={"offset": offset})
            reached = int(answer.headers["X-Offset"])
            finished = answer.headers["X-Finished"] == "yes" or (reached == offset and not follow)
            if answer.content:
                yield answer.content.decode(errors="replace")
            elif not finished:
                time.sleep(POLL_SECONDS)
            offset = reached


def succeeded(what: str, row: dict) -> None:
    """Raise Failed with its sentence when a job or run did not succeed."""
    if row["status"] != "succeeded":
        raise Failed(row["message"] or f"{what} was {row['status']}.")
