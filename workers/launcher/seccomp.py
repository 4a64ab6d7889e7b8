"""Which system calls a program may make: all except administration, spying and, usually, sockets.

A filter of classic BPF (``linux/seccomp.h``). It closes what Landlock leaves open: sockets of every family,
among them the broker's, and ways around both (io_uring, user namespaces, ptrace).
"""

from __future__ import annotations

import ctypes
import errno
import platform
import sys
from typing import NamedTuple

from workers.launcher.kernel import PR_GET_SECCOMP, PR_SET_SECCOMP, prctl

MODE_FILTER = 2
LOAD, JUMP_EQUAL, JUMP_AT_LEAST, JUMP_IF_ANY, RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
ALLOW, ERRNO = 0x7FFF0000, 0x00050000
NUMBER_AT, ARCHITECTURE_AT, FIRST_ARGUMENT_AT = 0, 4, 16
X32 = 0x40000000
# CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET
NAMESPACES = 0x7E020000
CLONE3 = 435

# The same number on every architecture: of io_uring, new mounts, pidfd_getfd, process_madvise, mount_setattr.
COMMON = (425, 426, 427, 428, 429, 430, 431, 432, 433, 438, 440, 442)


class Machine(NamedTuple):
    """System call numbers of one architecture; ``denied`` are those that no program needs."""

    audit: int
    socket: int
    clone: int
    denied: tuple[int, ...]


MACHINES = {
    "x86_64": Machine(
        0xC000003E, 41, 56,
        # ptrace, syslog, pivot_root, chroot, acct, settimeofday, mount, umount2, swapon, swapoff, reboot,
        # sethostname, setdomainname, iopl, ioperm, init_module, delete_module, quotactl, clock_settime,
        # kexec_load, add_key, request_key, keyctl, unshare, perf_event_open, name_to_handle_at,
        # open_by_handle_at, setns, process_vm_readv, process_vm_writev, kcmp, finit_module,
        # kexec_file_load, bpf, userfaultfd
        (101, 103, 155, 161, 163, 164, 165, 166, 167, 168, 169, 170, 171, 172, 173, 175, 176, 179, 227, 246,
         248, 249, 250, 272, 298, 303, 304, 308, 310, 311, 312, 313, 320, 321, 323),
    ),
    "aarch64": Machine(
        0xC00000B7, 198, 220,
        # umount2, mount, pivot_root, chroot, quotactl, acct, unshare, kexec_load, init_module,
        # delete_module, clock_settime, syslog, ptrace, reboot, sethostname, setdomainname, settimeofday,
        # add_key, request_key, keyctl, swapon, swapoff, perf_event_open, name_to_handle_at,
        # open_by_handle_at, setns, process_vm_readv, process_vm_writev, kcmp, finit_module, bpf,
        # userfaultfd, kexec_file_load
        (39, 40, 41, 51, 60, 89, 97, 104, 105, 106, 112, 116, 117, 142, 161, 162, 170, 217, 218, 219, 224,
         225, 241, 264, 265, 268, 270, 271, 272, 273, 280, 282, 294),
    ),
}  # fmt: skip


class _Instruction(ctypes.Structure):
    _fields_ = [
        ("code", ctypes.c_uint16), ("if_true", ctypes.c_uint8), ("if_false", ctypes.c_uint8),
        ("value", ctypes.c_uint32),
    ]  # fmt: skip


class _Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_uint16), ("instructions", ctypes.POINTER(_Instruction))]


def available() -> bool:
    """Whether this kernel and this architecture can filter system calls."""
    try:
        prctl(PR_GET_SECCOMP)
    except OSError:
        return False
    return platform.machine() in MACHINES and sys.maxsize > 2**32


def restrict(sockets: bool) -> None:
    """Forbid the calls, for this process and its children; raise OSError if the kernel refuses.

    Without ``sockets`` none can be created; a connected pair (socketpair) still can. Needs no_new_privs, or
    root.
    """
    lines = instructions(MACHINES[platform.machine()], sockets)
    array = (_Instruction * len(lines))(*lines)
    program = _Program(len(lines), array)
    prctl(PR_SET_SECCOMP, MODE_FILTER, ctypes.addressof(program))


def instructions(machine: Machine, sockets: bool) -> list[tuple[int, int, int, int]]:
    """Return the filter: (code, jump if true, jump if false, value), jumps counted in instructions."""
    refuse = (RETURN, 0, 0, ERRNO | errno.EPERM)
    lines = [
        (LOAD, 0, 0, ARCHITECTURE_AT), (JUMP_EQUAL, 1, 0, machine.audit), refuse,
        (LOAD, 0, 0, NUMBER_AT), (JUMP_AT_LEAST, 0, 1, X32), refuse,
    ]  # fmt: skip
    for number in (*machine.denied, *COMMON):
        lines += [(JUMP_EQUAL, 0, 1, number), refuse]
    if not sockets:
        lines += [(JUMP_EQUAL, 0, 1, machine.socket), (RETURN, 0, 0, ERRNO | errno.EACCES)]
    # Its flags are in memory, where a filter cannot look; C libraries fall back to clone.
    lines += [(JUMP_EQUAL, 0, 1, CLONE3), (RETURN, 0, 0, ERRNO | errno.ENOSYS)]
    lines += [
        (JUMP_EQUAL, 0, 3, machine.clone), (LOAD, 0, 0, FIRST_ARGUMENT_AT),
        (JUMP_IF_ANY, 0, 1, NAMESPACES), refuse, (RETURN, 0, 0, ALLOW),
    ]  # fmt: skip
    return lines
