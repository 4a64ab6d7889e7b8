"""Whether the system killed a process for lack of memory. Standard library only, for the portal and the
workers.

A process that ends by SIGKILL may have been killed by the kernel's out-of-memory killer or by anyone with
permission. The kernel counts its own kills, and only that counter is evidence.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

CONTROL_GROUPS = Path("/sys/fs/cgroup")
OWN_GROUPS = Path("/proc/self/cgroup")
WHOLE_SYSTEM = Path("/proc/vmstat")


class MemoryWatch:
    """Remembers the counter's value at its creation."""

    def __init__(self) -> None:
        self._before = kills()

    def ran_out(self) -> bool:
        """Whether the kernel has killed a process of this control group since then."""
        now = kills()
        return self._before is not None and now is not None and now > self._before


def kills() -> int | None:
    """Return how many processes of this control group the kernel has killed for lack of memory.

    Of the whole system if control groups do not count it; None if nothing does.
    """
    for path in (*_group_files(), WHOLE_SYSTEM):
        count = _count_in(path)
        if count is not None:
            return count
    return None


def _group_files() -> Iterator[Path]:
    """The counter files of control groups, versions 2 and 1, see cgroups(7)."""
    try:
        lines = OWN_GROUPS.read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError):
        return
    for line in lines:
        controllers, _, group = line.partition(":")[2].partition(":")
        if not controllers:
            yield CONTROL_GROUPS / group.lstrip("/") / "memory.events"
        elif "memory" in controllers.split(","):
            # A container may see its own group at the top, whatever its name on the host.
            yield CONTROL_GROUPS / "memory" / group.lstrip("/") / "memory.oom_control"
            yield CONTROL_GROUPS / "memory" / "memory.oom_control"


def _count_in(path: Path) -> int | None:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError):
        return None
    for line in lines:
        name, _, value = line.partition(" ")
        if name == "oom_kill" and value.strip().isdecimal():
            return int(value)
    return None
