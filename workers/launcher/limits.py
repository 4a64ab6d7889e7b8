"""Limits of one program: memory, files, processor time, processes; and reduced rights for root."""

from __future__ import annotations

import ctypes
import os
import resource

from workers.launcher.kernel import PR_CAP_AMBIENT, PR_CAPBSET_DROP, PR_CAPBSET_READ, libc, prctl

CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH, CAP_FOWNER = 1, 2, 3
# Lets root read files of other users. Landlock decides which files those may be.
KEPT = {CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH, CAP_FOWNER}
PR_CAP_AMBIENT_CLEAR_ALL = 4
_CAPABILITY_VERSION_3 = 0x20080522

KINDS = {
    "address_space": resource.RLIMIT_AS,
    "data": resource.RLIMIT_DATA,
    "file": resource.RLIMIT_FSIZE,
    "cpu_seconds": resource.RLIMIT_CPU,
}


def apply(wanted: dict[str, int | None]) -> None:
    """Set the limits, for this process and each one that it starts.

    ``address_space``, ``data`` (private writable memory) and ``file`` (the largest file) are bytes,
    ``cpu_seconds`` seconds of processor time, each for one process. ``more_processes`` is how many tasks may
    be added to those that the user already runs: the kernel counts a user's tasks on the whole machine. It
    counts none for root. None or a missing key is no limit; an existing limit is never raised.
    """
    no_core()
    for name, kind in KINDS.items():
        if wanted.get(name) is not None:
            _lower(kind, int(wanted[name]))
    if wanted.get("more_processes") is not None and os.geteuid() != 0:
        _lower(resource.RLIMIT_NPROC, _tasks_of_this_user() + int(wanted["more_processes"]))


def no_core() -> None:
    """No core dump: it would contain untrusted uploads."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _lower(kind: int, value: int) -> None:
    hard = resource.getrlimit(kind)[1]
    if hard != resource.RLIM_INFINITY:
        value = min(value, hard)
    # Processor time: SIGXCPU first, which a job's message can name; SIGKILL some seconds later.
    soft = value
    if kind == resource.RLIMIT_CPU and (hard == resource.RLIM_INFINITY or value + 10 <= hard):
        value += 10
    resource.setrlimit(kind, (soft, value))


def _tasks_of_this_user() -> int:
    """Threads count as tasks. The owner of a folder in /proc does not tell: that of a hidden process is
    root.
    """
    count, user = 0, os.getuid()
    for name in os.listdir("/proc"):
        try:
            if name.isdecimal() and _user_of(name) == user:
                count += len(os.listdir(f"/proc/{name}/task"))
        except OSError:
            continue
    return count


def _user_of(pid: str) -> int | None:
    with open(f"/proc/{pid}/status", "rb") as status:
        for line in status:
            if line.startswith(b"Uid:"):
                return int(line.split()[1])
    return None


class _Header(ctypes.Structure):
    _fields_ = [("version", ctypes.c_uint32), ("pid", ctypes.c_int)]


class _Data(ctypes.Structure):
    _fields_ = [(name, ctypes.c_uint32) for name in ("effective", "permitted", "inheritable")]


def drop_capabilities() -> None:
    """Drop root's rights except those over files, if this is root; an ordinary user has none to drop.

    A container may forbid parts of this, and has then removed those rights itself.
    """
    if os.geteuid() != 0:
        return
    _try(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL)
    for capability in range(64):
        if capability not in KEPT and _try(PR_CAPBSET_READ, capability) == 1:
            _try(PR_CAPBSET_DROP, capability)
    header, data = _Header(_CAPABILITY_VERSION_3, 0), (_Data * 2)()
    if libc.capget(ctypes.byref(header), ctypes.byref(data)) != 0:
        return
    mask = sum(1 << capability for capability in KEPT)
    data[0].effective &= mask
    data[0].permitted &= mask
    data[0].inheritable &= mask
    data[1].effective = data[1].permitted = data[1].inheritable = 0
    libc.capset(ctypes.byref(header), ctypes.byref(data))


def _try(option: int, *values: int) -> int | None:
    try:
        return prctl(option, *values)
    except OSError:
        return None
