"""Facts about the machine, or the container, that settings depend on; and Linux-only calls."""

from __future__ import annotations

import ctypes
import os
from pathlib import Path

LEAST_MEGABYTES = 4096  # PaddleX and rknn-toolkit2 need about two gigabytes to start at all
PR_SET_DUMPABLE = 4  # prctl(2)
CONTROL_GROUPS = Path("/sys/fs/cgroup")


def memory_megabytes() -> int:
    """Return the memory of this machine, or of its container if that is less; at least 4096."""
    known = [os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")]
    for name in ("memory.max", "memory/memory.limit_in_bytes"):
        try:
            known.append(int((CONTROL_GROUPS / name).read_text()))
        except (OSError, ValueError):  # there is none, or it says "max"
            continue
    return max(min(known) // 1024**2, LEAST_MEGABYTES)


def hide_process() -> None:
    """Prevent other processes of this user from reading this process's environment and memory, and its
    forks'.

    The environment may hold the portal's secrets. Programs started later by exec are readable again.
    """
    ctypes.CDLL(None).prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)
