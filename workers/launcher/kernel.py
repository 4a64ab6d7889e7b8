"""Calls of the Linux kernel that Python has no function for."""

from __future__ import annotations

import ctypes
import os

PR_SET_PDEATHSIG = 1
PR_GET_SECCOMP = 21
PR_SET_SECCOMP = 22
PR_CAPBSET_READ = 23
PR_CAPBSET_DROP = 24
PR_SET_CHILD_SUBREAPER = 36
PR_SET_NO_NEW_PRIVS = 38
PR_CAP_AMBIENT = 47

libc = ctypes.CDLL(None, use_errno=True)
libc.syscall.restype = ctypes.c_long


def prctl(option: int, *values: int) -> int:
    """Call prctl(2); raise OSError on failure."""
    arguments = [ctypes.c_ulong(value) for value in (*values, 0, 0, 0, 0)[:4]]
    return _checked(libc.prctl(option, *arguments), "prctl")


def syscall(number: int, *arguments: object) -> int:
    """Make a system call by number; raise OSError on failure. Integers must be ctypes values."""
    return _checked(libc.syscall(ctypes.c_long(number), *arguments), "syscall")


def _checked(result: int, name: str) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")
    return result


def descendants(root: int) -> list[int]:
    """Return the process ids below ``root``, children before grandchildren, from /proc."""
    parents = {}
    for name in os.listdir("/proc"):
        if name.isdecimal():
            parent = _parent(name)
            if parent is not None:
                parents[int(name)] = parent
    found: list[int] = []
    layer = {root}
    while layer:
        layer = {pid for pid, parent in parents.items() if parent in layer}
        found += layer
    return found


def _parent(pid: str) -> int | None:
    try:
        with open(f"/proc/{pid}/stat", "rb") as stat:
            # The name in brackets may contain spaces and brackets; the parent is the second field after it.
            state, parent = stat.read().rpartition(b")")[2].split()[:2]
    except (OSError, ValueError):
        return None
    return None if state in (b"Z", b"X") else int(parent)
