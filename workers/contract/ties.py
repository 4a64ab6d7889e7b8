"""Ties a process to its parent: the kernel kills it when the parent dies, however that happens.

Standard library only. Without prctl (not Linux), nothing happens.
"""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
from collections.abc import Callable
from functools import partial
from typing import Any

_PR_SET_PDEATHSIG = 1  # prctl(2): it survives an exec, and goes by the thread that forked
_libc = ctypes.CDLL(None)  # loaded before the fork, after which little is allowed


class TiedProcess(subprocess.Popen):
    """A process that the kernel kills when the thread that started it ends."""

    def __init__(self, *arguments: Any, **options: Any):
        super().__init__(*arguments, preexec_fn=tied(), **options)


def tie_all() -> None:
    """From now on, tie everything that this process starts, libraries included."""
    subprocess.Popen = TiedProcess


def tie_forks() -> None:
    """From now on, tie the forks of this process and their forks: image loaders, for one."""
    parents: list[int] = []
    os.register_at_fork(before=lambda: parents.append(os.getpid()), after_in_child=lambda: _tie(parents[-1]))


def tied() -> Callable[[], None]:
    """A ``preexec_fn`` that ties a child to this process."""
    return partial(_tie, os.getpid())


def _tie(parent: int) -> None:
    if hasattr(_libc, "prctl"):
        _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != parent:
            os.kill(os.getpid(), signal.SIGKILL)
