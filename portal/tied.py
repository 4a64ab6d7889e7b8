"""Ties a process to its parent: the kernel kills it when the parent dies, however that happens.

``python tied.py PROGRAM ARGUMENTS…`` becomes PROGRAM, tied. Standard library only, without imports from the
project: it starts before every program of ``make serve``.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

# The process that the programs of an installation must be children of.
PARENT = "SLIPWAY_SUPERVISOR"
_PR_SET_PDEATHSIG = 1  # prctl(2); it survives an exec, and goes by the thread that forked


def tie(parent: int | None = None) -> None:
    """Have the kernel kill this process when ``parent``, by default the current one, is gone.

    Exits at once if it is already gone. Without prctl (not Linux), nothing happens.
    """
    parent = os.getppid() if parent is None else parent
    try:
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    except (OSError, AttributeError):
        return
    if os.getppid() != parent:
        os.kill(os.getpid(), signal.SIGKILL)


def main(argv: list[str]) -> None:
    wanted = os.environ.get(PARENT, "")
    tie(int(wanted) if wanted.isdecimal() else None)
    os.environ[PARENT] = str(os.getpid())  # of the programs that it starts, if it is the supervisor
    os.execvp(argv[0], argv)  # noqa: S606


if __name__ == "__main__":
    main(sys.argv[1:])
