"""One installation per data folder: a lock held for life, and the end of left-over processes.

The lock is the kernel's (flock): it is released when its holder exits, however that happens, and is never
stale. The file names the holder.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import signal
import time
from datetime import UTC, datetime
from pathlib import Path

# In the environment of every program of an installation: its data folder.
MARK = "SLIPWAY_SERVES"
LEFT_OVER_SECONDS = 10.0


class Held(Exception):
    """Another process holds the lock; the message is a sentence that names it and says what to do."""


def take(path: Path, what: str) -> int:
    """Take the lock and return its descriptor, which holds it until closed. Raises Held.

    ``what`` names the holder in the sentence that a second process gets, such as ``make serve``.
    """
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        holder = os.pread(descriptor, 1000, 0)
        os.close(descriptor)
        raise Held(_sentence(holder, path.parent.parent)) from None
    facts = {"what": what, "pid": os.getpid(), "since": datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")}
    with contextlib.suppress(OSError):  # the disk is full: the holder stays nameless
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, json.dumps(facts).encode(), 0)
    return descriptor


def _sentence(holder: bytes, folder: Path) -> str:
    try:
        facts = json.loads(holder)
        who = f"{facts['what']} (process {facts['pid']}, started {facts['since']})"
        advice = f"stop it first (kill {facts['pid']}), or set SLIPWAY_VAR to another folder."
    except (ValueError, KeyError, TypeError):
        who, advice = "Another process", "stop it first, or set SLIPWAY_VAR to another folder."
    return f"{who} uses the data folder {folder} already: {advice}"


def end_holder(path: Path) -> None:
    """Kill the holder of this lock, and wait until it is released. Without permission, nothing happens."""
    deadline = time.monotonic() + LEFT_OVER_SECONDS
    while path.exists() and time.monotonic() < deadline:
        try:
            os.close(take(path, "nobody"))
            return
        except Held:
            with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
                os.kill(json.loads(path.read_bytes())["pid"], signal.SIGKILL)
            time.sleep(0.05)


def end_left_over(folder: Path) -> list[int]:
    """Kill the programs that an earlier installation in ``folder`` left running; return their process ids.

    Call it while holding the lock: then nobody else serves the folder, and any process tagged with it has
    lost its supervisor.
    """
    found = _marked(folder)
    for pid in found:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, signal.SIGKILL)
    deadline = time.monotonic() + LEFT_OVER_SECONDS
    while _marked(folder) and time.monotonic() < deadline:
        time.sleep(0.05)
    return found


def _marked(folder: Path) -> list[int]:
    """This user's live processes whose environment names ``folder``, except this one."""
    mark, found = f"{MARK}={folder}".encode(), []
    for place in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if int(place.name) != os.getpid() and place.stat().st_uid == os.getuid():
                if mark in (place / "environ").read_bytes().split(b"\0"):
                    found.append(int(place.name))
    return found
