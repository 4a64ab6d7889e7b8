"""The faults: processes killed and frozen, the disk filled, the broker emptied, the link to the board cut."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import time
from collections.abc import Callable

import redis

from tests.bench import processes
from tests.bench.disturbed.disks import fill
from tests.bench.net import Proxy
from tests.bench.serving import Portal

# What a process is, by words of its argument list: the first that fits.
PARTS = {
    "broker": "valkey-server",
    "virtual board": "workers.virtual_board",
    "program": " -m workers.",
    "launcher": "workers/launcher",
    "supervisor": "supervisor.supervisord",
    "clock": "celery -A portal.celery beat",
    "worker": "celery -A portal.celery worker",
    "web": "portal.ops.web",
}
FILLER = "filler.bin"
START_SECONDS = 8  # until a start that is refused has ended
TIES_SECONDS = 10  # for children to die with their supervisor


def part_of(said: str) -> str:
    return next((part for part, words in PARTS.items() if words in said), "other")


class Disturber:
    """Does faults to one portal. ``disk`` is whether its folder is a file system of its own to fill."""

    def __init__(self, portal: Portal, proxy: Proxy, seed: int, disk: bool):
        self.portal, self.proxy, self.random = portal, proxy, random.Random(seed)
        self.leftovers: list[str] = []  # what outlived a killed supervisor
        kills = {f"kill {part}": lambda part=part: self._kill(part) for part in PARTS if part != "supervisor"}
        parts = ("broker", "virtual board", "program", "worker", "web", "supervisor")
        stops = {f"freeze {part}": lambda part=part: self._freeze(part) for part in parts}
        self.kinds: dict[str, Callable[[], str]] = {
            **kills,
            **stops,
            "kill supervisor": self._kill_supervisor,
            "empty broker": self._empty_broker,
            "cut link": self._cut_link,
            "freeze link": self._freeze_link,
            "refuse link": self._refuse_link,
        }
        if disk:
            self.kinds["fill disk"] = self._fill_disk

    def choose(self, words: list[str] | None) -> None:
        """Do only faults whose names hold one of ``words``; all of them without any."""
        if words:
            chosen = [name for name in self.kinds if any(word in name for word in words)]
            self.kinds = {name: self.kinds[name] for name in chosen}

    def plan(self, count: int) -> list[str]:
        """Each kind as often as any other, in a random order."""
        names: list[str] = []
        while len(names) < count:
            once = list(self.kinds)
            self.random.shuffle(once)
            names += once
        return names[:count]

    def do(self, kind: str) -> str:
        """Do one fault and undo what does not undo itself; return what was done, for the reader."""
        return self.kinds[kind]()

    def _pids(self, part: str) -> list[int]:
        found = processes.all_of_portal(self.portal.var)
        return sorted(pid for pid, one in found.items() if part_of(one.said) == part)

    def _one(self, part: str) -> int | None:
        """One such process by chance; a program may have to be waited for."""
        deadline = time.monotonic() + 8
        while not (found := self._pids(part)) and time.monotonic() < deadline:
            time.sleep(0.05)
        return self.random.choice(found) if found else None

    def _kill(self, part: str) -> str:
        pid = self._one(part)
        if pid is None:
            return "there was none"
        processes.kill([pid])
        return f"process {pid}"

    def _freeze(self, part: str) -> str:
        pid, seconds = self._one(part), 1 + 6 * self.random.random()
        if pid is None:
            return "there was none"
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGSTOP)
            time.sleep(seconds)
            os.kill(pid, signal.SIGCONT)
        return f"process {pid} for {seconds:.1f} s"

    def _kill_supervisor(self) -> str:
        self.portal.server.kill()
        self.portal.server.wait()
        deadline = time.monotonic() + TIES_SECONDS
        while (left := self._left_over()) and time.monotonic() < deadline:
            time.sleep(0.2)
        self.leftovers += left
        self.serve_again()
        return f"{len(left)} processes outlived it" if left else "nothing outlived it"

    def _left_over(self) -> list[str]:
        return [one.said for one in processes.all_of_portal(self.portal.var).values()]

    def serve_again(self) -> None:
        """``make serve`` as a person would; when it is refused, after ending by hand what is in the way."""
        for _ in range(3):
            self.portal.serve()
            time.sleep(START_SECONDS)
            if self.portal.server.poll() is None:
                return
            processes.kill(list(processes.all_of_portal(self.portal.var)))

    def _empty_broker(self) -> str:
        with redis.Redis(unix_socket_path=str(self.portal.var / "run" / "broker.sock")) as broker:
            try:
                broker.flushall()
            except redis.RedisError as error:
                return f"it did not answer: {error}"
        return "all queues"

    def _cut_link(self) -> str:
        self.proxy.cut()
        return "every connection"

    def _freeze_link(self) -> str:
        seconds = 3 + 9 * self.random.random()
        self.proxy.freeze()
        time.sleep(seconds)
        self.proxy.thaw()
        return f"for {seconds:.1f} s"

    def _refuse_link(self) -> str:
        seconds = 2 + 6 * self.random.random()
        self.proxy.refuse = True
        self.proxy.cut()
        time.sleep(seconds)
        self.proxy.refuse = False
        return f"for {seconds:.1f} s"

    def _fill_disk(self) -> str:
        seconds, path = 3 + 6 * self.random.random(), self.portal.var.parent / FILLER
        taken = fill(path, seconds)
        return f"{taken // 1024**2} MB for {seconds:.1f} s"

    def restore(self) -> None:
        """Undo whatever a fault that broke off may have left."""
        self.proxy.thaw()
        self.proxy.refuse = False
        (self.portal.var.parent / FILLER).unlink(missing_ok=True)
        for pid in processes.all_of_portal(self.portal.var):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)
        if self.portal.server.poll() is not None:
            self.serve_again()
