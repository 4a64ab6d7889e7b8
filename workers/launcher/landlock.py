"""Which files a program may access: Landlock, which the kernel offers to every user since 5.13.

Numbers and structures are those of ``linux/landlock.h``. Each version of its interface (ABI) added rights; a
program gets the limits that the running kernel supports.
"""

from __future__ import annotations

import ctypes
import os
import stat

from workers.launcher.kernel import syscall

CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444, 445, 446
VERSION_FLAG = 1
RULE_PATH_BENEATH = 1

EXECUTE, WRITE_FILE, READ_FILE, READ_DIR, REMOVE_DIR, REMOVE_FILE = (1 << bit for bit in range(6))
MAKE_CHAR, MAKE_DIR, MAKE_REG, MAKE_SOCK, MAKE_FIFO, MAKE_BLOCK, MAKE_SYM = (1 << bit for bit in range(6, 13))
REFER, TRUNCATE, IOCTL_DEV = 1 << 13, 1 << 14, 1 << 15
NET_BIND_TCP, NET_CONNECT_TCP = 1, 2
SCOPE_ABSTRACT_UNIX_SOCKET, SCOPE_SIGNAL = 1, 2

FIRST_ABI = {REFER: 2, TRUNCATE: 3, IOCTL_DEV: 5}
NET_ABI, SCOPE_ABI = 4, 6
OF_A_FILE = EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE | IOCTL_DEV

READ = EXECUTE | READ_FILE | READ_DIR
# No device, no socket, no pipe, and nothing in it can be executed.
WRITE = (
    READ_FILE | READ_DIR | WRITE_FILE | TRUNCATE | REMOVE_DIR | REMOVE_FILE
    | MAKE_DIR | MAKE_REG | MAKE_SYM | REFER
)  # fmt: skip
DEVICE = READ_FILE | READ_DIR | WRITE_FILE | IOCTL_DEV
# Semaphores and shared memory: created and opened by name, while the names of others cannot be listed.
SHARED_MEMORY = READ_FILE | WRITE_FILE | TRUNCATE | MAKE_REG | REMOVE_FILE | REFER
SHARED_MEMORY_FOLDER = "/dev/shm"


class _Ruleset(ctypes.Structure):
    _fields_ = [("fs", ctypes.c_uint64), ("net", ctypes.c_uint64), ("scoped", ctypes.c_uint64)]


class _Beneath(ctypes.Structure):
    _pack_ = 1
    _fields_ = [("allowed", ctypes.c_uint64), ("parent", ctypes.c_int32)]


def abi() -> int:
    """Return the version of the interface, 0 if the kernel has none or a container forbids it."""
    try:
        return syscall(CREATE_RULESET, None, ctypes.c_size_t(0), ctypes.c_uint32(VERSION_FLAG))
    except OSError:
        return 0


def restrict(read: list[str], write: list[str], devices: list[str], tcp: bool) -> None:
    """Let this process and its children read below ``read``, write below ``write`` and access nothing else.

    ``read`` may be executed as well. ``devices`` are device files, and folders of them. Unless ``tcp``, no
    TCP port is bound or connected. No process outside can be signalled. A path that does not exist is
    skipped. Raises OSError if the kernel refuses. Irreversible.
    """
    version = abi()
    handled = sum(1 << bit for bit in range(16) if version >= FIRST_ABI.get(1 << bit, 1))
    ruleset = _create(version, handled, tcp)
    try:
        for rights, paths in ((READ, read), (WRITE, write), (DEVICE, devices)):
            for path in paths:
                _allow(ruleset, path, rights & handled)
        _allow(ruleset, SHARED_MEMORY_FOLDER, SHARED_MEMORY & handled)
        syscall(RESTRICT_SELF, ctypes.c_int(ruleset), ctypes.c_uint32(0))
    finally:
        os.close(ruleset)


def _create(version: int, handled: int, tcp: bool) -> int:
    rules = _Ruleset(handled, 0, 0)
    size = 8
    if version >= NET_ABI:
        rules.net = 0 if tcp else NET_BIND_TCP | NET_CONNECT_TCP
        size = 16
    if version >= SCOPE_ABI:
        rules.scoped = SCOPE_ABSTRACT_UNIX_SOCKET | SCOPE_SIGNAL
        size = 24
    return syscall(CREATE_RULESET, ctypes.byref(rules), ctypes.c_size_t(size), ctypes.c_uint32(0))


def _allow(ruleset: int, path: str, rights: int) -> None:
    try:
        place = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return
    try:
        if not stat.S_ISDIR(os.fstat(place).st_mode):
            rights &= OF_A_FILE
        rule = _Beneath(rights, place)
        syscall(
            ADD_RULE, ctypes.c_int(ruleset), ctypes.c_int(RULE_PATH_BENEATH), ctypes.byref(rule),
            ctypes.c_uint32(0),
        )  # fmt: skip
    finally:
        os.close(place)
