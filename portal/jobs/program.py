"""Starts a worker program and follows its process group, output, events and result."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path
from typing import BinaryIO

from django.conf import settings
from django.db import InterfaceError, OperationalError, close_old_connections

from portal.jobs import confinement, draining, endings, reports
from portal.jobs.context import HandedBack, JobContext, TimedOut
from portal.jobs.kinds import Invocation
from portal.jobs.made_files import NotAFile, open_file
from portal.jobs.reports import NoResult
from workers.contract import SCHEMA_VERSION, diskspace
from workers.contract.messages import Encoder, msg
from workers.contract.oom import MemoryWatch

READ_AT_MOST = 256 * 1024
LONGEST_LINE = 1024 * 1024  # maximum size of one event, in bytes
NEARLY_FULL = 64 * 1024  # free bytes below which a program cannot write its result


class Tail:
    """Reads what was appended to a file since the last read."""

    def __init__(self, path: Path):
        self.path = path
        self.position = 0

    def read(self) -> bytes:
        with contextlib.suppress(FileNotFoundError, NotAFile), open_file(self.path) as file:
            file.seek(self.position)
            data = file.read(READ_AT_MOST)
            self.position += len(data)
            return data
        return b""


class EventTail(Tail):
    """Whole lines only: a line that is still being written is left for the next read."""

    def __init__(self, path: Path):
        super().__init__(path)
        self._rest = b""

    def events(self) -> list[dict]:
        lines = (self._rest + self.read()).split(b"\n")
        self._rest = lines.pop()
        if len(self._rest) > LONGEST_LINE:
            self._rest = b"too long"  # too long to be an event
        found = (reports.event_of(line) for line in lines if line.strip())
        return [event for event in found if event is not None]


def write_spec(folder: Path, kind: str, invocation: Invocation) -> None:
    spec = {
        "schema": SCHEMA_VERSION,
        "kind": kind,
        "inputs": invocation.inputs,
        "params": invocation.params,
    }
    text = json.dumps(spec, ensure_ascii=False, indent=1, cls=Encoder)
    (folder / "spec.json").write_text(text, encoding="utf-8")


def run(invocation: Invocation, folder: Path, context: JobContext, time_limit: int) -> dict:
    """Run the program to its end and return its result.

    Raises Cancelled or Superseded (from the context), TimedOut, HandedBack or NoResult. No process of the
    program's group survives, however it ends.
    """
    log_path, memory = folder / "log.txt", MemoryWatch()
    copier = Copier(Tail(log_path), EventTail(folder / "events.jsonl"), context)
    with log_path.open("ab") as output:
        process = confinement.launch(invocation, folder, output, time_limit)
    try:
        _follow(process, copier, context, time.monotonic() + time_limit, folder / "result.json")
    except BaseException:
        end(process)
        with contextlib.suppress(Exception):  # the reason for ending it takes precedence
            copier.copy_rest()
        raise
    end(process)
    endings.patiently(copier.copy_rest, context.job)
    return _read_result(folder, process.returncode, memory)


def _follow(process, copier: Copier, context: JobContext, deadline: float, result: Path) -> None:
    next_beat, troubled_since = 0.0, None
    while True:
        # Wait on the process instead of sleeping, to notice its end at once.
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(settings.JOB_TICK_SECONDS)
            return
        if draining.is_over():
            if result.is_file():
                return  # it has done its work and only has to end
            raise HandedBack
        context.keeper.tick()
        try:
            copier.copy()
            if time.monotonic() >= next_beat:
                context.beat()
                next_beat = time.monotonic() + settings.JOB_HEARTBEAT_SECONDS
            troubled_since = None
        except (OperationalError, InterfaceError):
            # Do not discard hours of work because the database is locked or unreachable for a moment.
            troubled_since = troubled_since or time.monotonic()
            if time.monotonic() - troubled_since > settings.JOB_END_PATIENCE_SECONDS:
                raise
            close_old_connections()
        if time.monotonic() > deadline:
            raise TimedOut


class Copier:
    """Copies a program's output into the database, and keeps what the database did not accept."""

    def __init__(self, log: Tail, events: EventTail, context: JobContext):
        self.log, self.events, self.context = log, events, context
        self._text, self._batch = b"", []

    def copy(self) -> bool:
        """Copy a piece; False if there was none."""
        self._text = self._text or self.log.read()
        self._batch = self._batch or self.events.events()
        if not self._text and not self._batch:
            return False
        if self._text:
            self.context.log_writer.write(self._text)
            self._text = b""
        if self._batch:
            self.context.events(self._batch)
            self._batch = []
        return True

    def copy_rest(self) -> None:
        while self.copy():
            pass


def end(process: subprocess.Popen) -> None:
    """SIGTERM, a grace period, then always SIGKILL: a tool may leave children behind."""
    if process.poll() is None:
        _signal(process, signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(settings.JOB_KILL_GRACE_SECONDS)
    if process.poll() is None:
        # The warden also finds processes that left the group.
        process.send_signal(signal.SIGUSR1)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(settings.JOB_KILL_GRACE_SECONDS)
    _signal(process, signal.SIGKILL)
    process.wait()
    # A program in its own group survives a warden that was killed.
    for pid in session(process.pid):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def session(leader: int) -> list[int]:
    """Return the processes of the session that ``leader`` started, whatever their process groups."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            # The name in brackets may contain spaces and brackets; state, parent, group and session follow
            # it.
            fields = entry.read_text(errors="replace").rpartition(")")[2].split()
        except OSError:
            continue
        if len(fields) > 3 and fields[0] not in "ZX" and int(fields[3]) == leader:
            found.append(int(entry.parent.name))
    return found


def _signal(process: subprocess.Popen, number: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, number)


def _read_result(folder: Path, status: int, memory: MemoryWatch) -> dict:
    with contextlib.suppress(FileNotFoundError, NotAFile), open_file(folder / "result.json") as file:
        return _checked_result(file)
    if status == diskspace.EXIT_STATUS or shutil.disk_usage(folder).free < NEARLY_FULL:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    if status < 0:
        raise NoResult(reports.killed(-status, memory.ran_out()))
    raise NoResult(msg("The program ended with status {status} and no result.", status=status))


def _checked_result(file: BinaryIO) -> dict:
    text = file.read(reports.LARGEST_RESULT + 1)
    if len(text) > reports.LARGEST_RESULT:
        raise NoResult(msg("The program wrote a result that is too large."))
    try:
        return reports.result_of(text.decode("utf-8", errors="replace"))
    except reports.Unreadable as error:
        raise NoResult(str(error)) from error
