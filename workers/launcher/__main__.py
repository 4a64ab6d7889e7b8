"""``python -I -S workers/launcher/__main__.py``: runs one program under limits and is its warden.

Reads its order, a JSON object, from stdin:

- ``command`` (argument list), ``environment`` (the program's whole one), ``folder`` (its working folder);
- ``parent``: the process that gives the order;
- ``limits``: see ``limits.apply``;
- ``confine``: null, or ``{"read": […], "write": […], "devices": […], "sockets": bool}``, see ``landlock``
  and ``seccomp``.

The program is a child of the warden, which is not confined itself. When the parent disappears, however it was
killed, the warden kills the program and everything that it started. When the program ends, its remaining
processes are killed too, and the warden exits as the program did: with its status, or by the same signal.
``--describe`` prints what this system supports and starts nothing.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))

from workers.launcher import landlock, limits, seccomp
from workers.launcher.kernel import (
    PR_SET_CHILD_SUBREAPER,
    PR_SET_NO_NEW_PRIVS,
    PR_SET_PDEATHSIG,
    descendants,
    prctl,
)

CANNOT_CONFINE, ORPHANED, CANNOT_START = 125, 126, 127
LEFT_BEHIND_SECONDS = 5.0
# Passed on to the program.
ENDING = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
# This interpreter ignores them, and a program must not inherit that.
IGNORED_BY_PYTHON = (signal.SIGPIPE, signal.SIGXFSZ)


def main() -> int:
    if sys.argv[1:] == ["--describe"]:
        print(json.dumps({"landlock": landlock.abi(), "seccomp": seccomp.available()}))
        return 0
    order = json.load(sys.stdin.buffer)
    with open(os.devnull, "rb") as nothing:
        os.dup2(nothing.fileno(), 0)
    os.closerange(3, os.sysconf("SC_OPEN_MAX"))
    os.umask(0o077)
    _watch(order["parent"])
    child = os.fork()
    if child == 0:
        _become(order)
    for number in ENDING:
        signal.signal(number, lambda received, _: _kill(child, received))
    status = _wait(child)
    _end_descendants()
    return _end_like(status)


def _watch(parent: int) -> None:
    """Get notified when the parent is gone, and become the parent of orphaned grandchildren."""
    prctl(PR_SET_CHILD_SUBREAPER, 1)
    # When its job is cancelled, the program has its grace period, and the warden waits for it.
    for number in ENDING:
        signal.signal(number, signal.SIG_IGN)
    signal.signal(signal.SIGUSR1, _end_all)
    prctl(PR_SET_PDEATHSIG, signal.SIGUSR1)
    if os.getppid() != parent:
        sys.exit(ORPHANED)


def _become(order: dict) -> None:
    """Turn this process into the program; never returns."""
    warden = os.getppid()
    try:
        for number in (*ENDING, signal.SIGUSR1, *IGNORED_BY_PYTHON):
            signal.signal(number, signal.SIG_DFL)
        prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != warden:
            os._exit(ORPHANED)
        os.chdir(order["folder"])
        limits.apply(order["limits"])
        prctl(PR_SET_NO_NEW_PRIVS, 1)
        if order["confine"] is not None:
            _confine(**order["confine"])
    except OSError as error:
        print(f"The program was not started, because it could not be confined: {error}", file=sys.stderr)
        sys.stderr.flush()
        os._exit(CANNOT_CONFINE)
    try:
        os.execvpe(order["command"][0], order["command"], order["environment"])
    except OSError as error:
        print(f"{order['command'][0]} cannot be started: {error}", file=sys.stderr)
        sys.stderr.flush()
        os._exit(CANNOT_START)


def _confine(read: list[str], write: list[str], devices: list[str], sockets: bool) -> None:
    """Drop rights as far as this system allows; raise OSError if it should allow it and does not."""
    limits.drop_capabilities()
    if landlock.abi():
        landlock.restrict(read, write, devices, tcp=sockets)
    if seccomp.available():
        seccomp.restrict(sockets=sockets)


def _wait(child: int) -> int:
    """Return the child's wait status, reaping orphaned grandchildren on the way."""
    while True:
        pid, status = os.waitpid(-1, 0)
        if pid == child:
            return status


def _end_descendants() -> None:
    """Kill what the program left running, even outside its process group.

    As their parents die, all of them become children of the warden. A process stuck in a kernel driver may
    take very long to die, so the wait is bounded.
    """
    end = time.monotonic() + LEFT_BEHIND_SECONDS
    while time.monotonic() < end:
        for pid in descendants(os.getpid()):
            _kill(pid)
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            return
        time.sleep(0.002)


def _end_all(*_: object) -> None:
    """The parent is gone: no process of the program may survive it."""
    for pid in descendants(os.getpid()):
        _kill(pid)
    os.killpg(0, signal.SIGKILL)


def _kill(pid: int, number: int = signal.SIGKILL) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        pass


def _end_like(status: int) -> int:
    if os.WIFEXITED(status):
        return os.WEXITSTATUS(status)
    number = os.WTERMSIG(status)
    limits.no_core()
    if number not in (signal.SIGKILL, signal.SIGSTOP):
        signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)
    return 128 + number


if __name__ == "__main__":
    sys.exit(main())
