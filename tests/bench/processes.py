"""The processes of a benchmark's own portal, found by its folder; nobody else's are touched."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

LAUNCHER = "workers/launcher"


def of_portal(var: Path, *words: str) -> list[int]:
    """Process ids whose environment names the folder ``var`` and whose argument list holds ``words``."""
    wanted = f"SLIPWAY_VAR={var}".encode()
    found = []
    for place in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            arguments = (place / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            if all(word in arguments for word in words):
                if wanted in (place / "environ").read_bytes().split(b"\0"):
                    found.append(int(place.name))
    return found


@dataclass(frozen=True)
class Process:
    """``said`` is its argument list."""

    pid: int
    parent: int
    said: str


def all_of_portal(var: Path) -> dict[int, Process]:
    """Every process that works for the portal of folder ``var``, by process id.

    A worker program gets no environment of the portal's, but its arguments or its folder name ``var``; its
    launcher has neither, but is its parent and a child of the worker.
    """
    every, found = {}, {}
    for place in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError, IndexError):
            one = _look_at(place)
            every[one.pid] = one
            if one.said and one.pid != os.getpid() and _works_for(place, one, var):
                found[one.pid] = one
    for one in list(found.values()):
        above = every.get(one.parent)
        if above and LAUNCHER in above.said:
            found[above.pid] = above
    for one in every.values():
        if LAUNCHER in one.said and one.parent in found:
            found[one.pid] = one
    return found


def _look_at(place: Path) -> Process:
    said = (place / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
    parent = int((place / "stat").read_text().rpartition(")")[2].split()[1])
    return Process(int(place.name), parent, said)


def _works_for(place: Path, one: Process, var: Path) -> bool:
    if str(var) in one.said or os.readlink(place / "cwd").startswith(str(var)):
        return True
    return f"SLIPWAY_VAR={var}".encode() in (place / "environ").read_bytes().split(b"\0")


def pss_mb(pids: Iterable[int]) -> float:
    """The memory of processes in MB; what several share is counted once (PSS of ``smaps_rollup``)."""
    total = 0
    for pid in pids:
        with contextlib.suppress(OSError):
            for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
                if line.startswith("Pss:"):
                    total += int(line.split()[1])
    return total / 1024


def cpu_seconds(roots: Iterable[int]) -> float:
    """The processor time of processes and of everything that they started, also of what has ended since."""
    fields, children = {}, {}
    for place in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError, IndexError):
            fields[int(place.name)] = (place / "stat").read_text().rpartition(")")[2].split()
    for pid, values in fields.items():
        children.setdefault(int(values[1]), []).append(pid)
    ticks, left = 0, list(roots)
    while left:
        pid = left.pop()
        ticks += sum(map(int, fields[pid][11:15])) if pid in fields else 0
        left += children.get(pid, ())
    return ticks / os.sysconf("SC_CLK_TCK")


def with_argument(text: str) -> list[int]:
    """Process ids whose argument list holds ``text``, such as a browser's own profile folder."""
    found = []
    for place in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if text.encode() in (place / "cmdline").read_bytes() and int(place.name) != os.getpid():
                found.append(int(place.name))
    return found


def kill(pids: list[int]) -> None:
    """SIGKILL, as a power cut would; who is gone already is gone."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def peak_mb(pids: list[int]) -> dict[int, float]:
    """The largest resident memory that each process ever had, in MB."""
    found = {}
    for pid in pids:
        with contextlib.suppress(OSError):
            for line in Path(f"/proc/{pid}/status").read_text().splitlines():
                if line.startswith("VmHWM:"):
                    found[pid] = int(line.split()[1]) / 1024
    return found


def group_rss_mb(leader: int) -> float:
    """The resident memory of all processes in the group that ``leader`` leads, in MB."""
    total = 0
    for place in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError, ProcessLookupError):
            if os.getpgid(int(place.name)) == leader:
                total += int((place / "statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    return total / 1024 / 1024
