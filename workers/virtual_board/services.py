"""What runs on the virtual board by itself: init scripts at a boot, and the end of it all with the power."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from pathlib import Path

SCRIPTS = "init.d/S*"  # in its home; a real board has them in /etc/init.d
KEEPERS = "*/app/run/keeper.pid"  # of applications, see ``workers/board/app/keeper.py``
END_SECONDS = 10.0


def boot(home: Path, environment: dict[str, str]) -> None:
    """Start the init scripts, as BusyBox does. What an earlier process of this board left running when it was
    killed ends first: no program outlives a board's power.
    """
    ended, deadline = end(home), time.monotonic() + END_SECONDS
    while any(map(_command, ended)) and time.monotonic() < deadline:
        time.sleep(0.02)  # an application that still runs keeps the next one from starting
    nothing = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    for script in sorted(home.glob(SCRIPTS)):
        subprocess.Popen(["/bin/sh", str(script), "start"], cwd=home, env=environment, **nothing)


def end(home: Path) -> list[int]:
    """Kill the applications, as a board without power does; return their keepers' process ids."""
    found = []
    for path in home.glob(KEEPERS):
        with contextlib.suppress(OSError, ValueError):
            pid = int(path.read_text("ascii"))
            if os.fsencode(path.parents[1] / "keeper.py") in _command(pid).split(b"\0"):
                os.killpg(pid, signal.SIGKILL)
                found.append(pid)
    return found


def _command(pid: int) -> bytes:
    """The command of a process; empty once it is dead."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""
