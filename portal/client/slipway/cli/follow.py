"""Shows the progress of jobs and runs while waiting for them."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from slipway import waiting
from slipway.calls import Calls
from slipway.cli.screen import Screen, plain, seconds, size
from slipway.errors import Interrupted


@contextlib.contextmanager
def goes_on(hint: str) -> Iterator[None]:
    """On Ctrl-C inside, leave the portal's work running and say how to follow it again."""
    try:
        yield
    except KeyboardInterrupt as error:
        raise Interrupted(hint) from error


@contextlib.contextmanager
def sending(screen: Screen, name: str, total: int) -> Iterator[Callable[[int], None]]:
    """A progress bar for an upload; the block gets a callback for the bytes done so far."""
    with (
        goes_on("Broken off: the same command goes on from here."),
        screen.bytes_bar(name, total) as on_offset,
    ):
        told: list[int] = []

        def on_bytes(done: int) -> None:
            if done and not told:
                screen.note(f"Going on at {size(done)} of {size(total)}.")
            told.append(done)
            on_offset(done)

        yield on_bytes


def status_of(search: Mapping[str, Any]) -> str:
    """A search's status. Its job is queued while what it has started is at work."""
    return search.get("status") or search["job"]["status"]


def job(client: Calls, screen: Screen, job_id: int, name: str) -> dict:
    """Wait until a job is final and return it."""
    with goes_on(f"It goes on without us: slipway log -f {job_id}"):
        return until_final(client, screen, f"jobs/{job_id}/", lambda row: [(name, row)])


def run(client: Calls, screen: Screen, run_id: int) -> dict:
    """Wait until a run is final and return it."""
    hint = f"Run {run_id} goes on. Look again: slipway watch {run_id}  Stop it: slipway cancel run/{run_id}"
    with goes_on(hint):
        return until_final(client, screen, f"runs/{run_id}/", steps_of)


def steps_of(run: dict) -> list[tuple[str, dict | None]]:
    """The steps in a run's response: name and job, None if not started."""
    return [("Data", run["ingest_job"]), *((step["title"], step["job"]) for step in run["steps"])]


def until_final(client: Calls, screen: Screen, path: str, steps) -> dict:
    """Poll a job or run until it is final and return it; ``steps`` extracts what to display."""
    with _Steps(screen) as shown:
        return waiting.until_final(client, path, lambda row: shown.show(steps(row)))


class _Steps:
    """The steps on the screen: a bar each, or a line whenever a phase changes."""

    def __init__(self, screen: Screen):
        self.screen = screen
        self.progress = screen.steps_bars()
        self.bars: list[Any] = []
        self.printed: dict[int, tuple[str, str]] = {}

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
                self._print_status(place, name, job)

    def _move(self, bar, job: dict) -> None:
        if job["status"] == "queued":
            self.progress.update(bar, state=plain(job.get("problem") or "waiting"))
            return
        done = 100 if job["status"] == "succeeded" else job["percent"] or 0
        state = job["phase"] if job["status"] == "running" and job["phase"] else job["status"]
        self.progress.update(bar, completed=done, state=plain(state), took=seconds(job["seconds"]))

    def _print_status(self, place: int, name: str, job: dict) -> None:
        now = (job["status"], job["phase"] or job.get("problem") or "")
        if self.printed.get(place) != now:
            self.printed[place] = now
            self.screen.note(f"{name}: {' '.join(filter(None, now))}")
