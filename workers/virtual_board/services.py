"""What runs on the virtual board by itself: init scripts at a boot, and the end of it all with the power."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from pathlib import Path

SCRIPTS = "init.d/S*"  # in its home; a real board has them in /etc/init.d
KEEPERS = "*/app/run/keeper.pid"  # of applications, see ``workers/board/app/keeper.py``


def boot(home: Path, environment: dict[str, str]) -> None:
    """Start the init scripts, as BusyBox does. What an earlier process of this board left running when it was
    killed ends first: no program outlives a board's power.
    """
    end(home)
    nothing = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    for script in sorted(home.glob(SCRIPTS)):
        subprocess.Popen(["/bin/sh", str(script), "start"], cwd=home, env=environment, **nothing)


def end(home: Path) -> None:
    """End the applications, as a board without power does."""
    for path in home.glob(KEEPERS):
        with contextlib.suppress(OSError, ValueError):
            pid = int(path.read_text("ascii"))
            command = Path(f"/proc/{pid}/cmdline").read_bytes()
            if os.fsencode(path.parents[1] / "keeper.py") in command.split(b"\0"):
                os.killpg(pid, signal.SIGKILL)
