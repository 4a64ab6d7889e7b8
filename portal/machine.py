"""Facts of the machine, or of the container, that settings depend on; and what only its kernel can do."""

from __future__ import annotations

import ctypes
import os
from pathlib import Path

LEAST_MEGABYTES = 4096  # PaddleX and rknn-toolkit2 need about two gigabytes to start at all
PR_SET_DUMPABLE = 4  # prctl(2)
CONTROL_GROUPS = Path("/sys/fs/cgroup")


def memory_megabytes() -> int:
    """Return the memory of this machine, or of its container where that is less; at least 4096."""
    known = [os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")]
    for name in ("memory.max", "memory/memory.limit_in_bytes"):
        try:
            known.append(int((CONTROL_GROUPS / name).read_text()))
        except (OSError, ValueError):  # there is none, or it says "max"
            continue
    return max(min(known) // 1024**2, LEAST_MEGABYTES)


def hide_process() -> None:
    """Keep other processes of our user from reading this one's environment and memory, as its forks do.

    The environment may hold the portal's secrets. What an ordinary user starts later can be read again.
    """
    ctypes.CDLL(None).prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)
