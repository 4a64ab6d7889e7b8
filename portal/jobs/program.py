"""Starts a worker program and follows it: its process group, its output, its events, its result."""

from __future__ import annotations

import contextlib
import json
import os
import resource
import signal
import subprocess
import time
from pathlib import Path

from django.conf import settings

from portal.jobs.context import JobContext, TimedOut
from portal.jobs.kinds import Invocation
from workers.contract import SCHEMA_VERSION

READ_AT_MOST = 256 * 1024


class NoResult(Exception):
    """The program ended without a result; the message says how."""


class Tail:
    """Reads what was appended to a file since the last time."""

    def __init__(self, path: Path):
        self.path = path
        self.position = 0

    def read(self) -> bytes:
        with contextlib.suppress(FileNotFoundError), self.path.open("rb") as file:
            file.seek(self.position)
            data = file.read(READ_AT_MOST)
            self.position += len(data)
            return data
        return b""


class EventTail(Tail):
    """Whole events only: a line that is still being written stays for the next time."""

    def __init__(self, path: Path):
        super().__init__(path)
        self._rest = b""

    def events(self) -> list[dict]:
        lines = (self._rest + self.read()).split(b"\n")
        self._rest = lines.pop()
        return [json.loads(line) for line in lines if line.strip()]


def write_spec(folder: Path, kind: str, invocation: Invocation) -> None:
    spec = {
        "schema": SCHEMA_VERSION,
        "kind": kind,
        "inputs": invocation.inputs,
        "params": invocation.params,
    }
    (folder / "spec.json").write_text(json.dumps(spec, ensure_ascii=False, indent=1), encoding="utf-8")


def run(invocation: Invocation, folder: Path, context: JobContext, time_limit: int) -> dict:
    """Run the program to its end and return its result.

    Raises Cancelled or Superseded (from the context), TimedOut or NoResult. However it ends, nothing
    of the program's process group is left alive.
    """
    log_path = folder / "log.txt"
    log, events = Tail(log_path), EventTail(folder / "events.jsonl")
    with log_path.open("ab") as output:
        process = subprocess.Popen(
            [*invocation.argv, str(folder)],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=settings.BASE_DIR,
            env=os.environ | {"PYTHONUNBUFFERED": "1", "PYTHONPATH": str(settings.BASE_DIR)},
            start_new_session=True,
            preexec_fn=_limiter(invocation.memory_bytes),
        )
    try:
        _follow(process, log, events, context, time.monotonic() + time_limit)
    finally:
        _end_group(process)
        _copy(log, events, context)
    return _read_result(folder, process.returncode)


def _limiter(memory_bytes: int | None):
    if memory_bytes is None:
        return None

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))

    return limit


def _follow(process, log: Tail, events: EventTail, context: JobContext, deadline: float) -> None:
    next_beat = 0.0
    while True:
        # Waiting on the process, not sleeping, so that a finished program is seen at once.
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(settings.JOB_TICK_SECONDS)
            return
        _copy_once(log, events, context)
        if time.monotonic() >= next_beat:
            context.beat()
            next_beat = time.monotonic() + settings.JOB_HEARTBEAT_SECONDS
        if time.monotonic() > deadline:
            raise TimedOut


def _copy_once(log: Tail, events: EventTail, context: JobContext) -> bool:
    text, batch = log.read(), events.events()
    if text:
        context.log_writer.write(text)
    if batch:
        context.events(batch)
    return bool(text or batch)


def _copy(log: Tail, events: EventTail, context: JobContext) -> None:
    while _copy_once(log, events, context):
        pass


def _end_group(process: subprocess.Popen) -> None:
    """SIGTERM, a grace, then SIGKILL to the whole group, always: a tool may leave children behind."""
    if process.poll() is None:
        _signal(process, signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(settings.JOB_KILL_GRACE_SECONDS)
    _signal(process, signal.SIGKILL)
    process.wait()


def _signal(process: subprocess.Popen, number: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, number)


def _read_result(folder: Path, status: int) -> dict:
    with contextlib.suppress(FileNotFoundError, json.JSONDecodeError):
        return json.loads((folder / "result.json").read_text(encoding="utf-8"))
    if status < 0:
        name = signal.Signals(-status).name
        hint = " The machine may have run out of memory." if -status == signal.SIGKILL else ""
        raise NoResult(f"The program was killed by {name} before it had a result.{hint}")
    raise NoResult(f"The program ended with status {status} and no result.")
