"""The faults of the chaos bench: containers killed, stopped, restarted, cut off, and their disks filled."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import subprocess
import time

from tests.bench.disturbed.disks import fill
from tests.bench.disturbed.stack import DISKS, PROJECT, SERVICES, ChaosStack, docker

ACTIONS = ("kill", "kill one process of", "stop", "restart", "cut", "fill the disk of")
FILLER = "filler.bin"
# Its other network publishes its port: without it there is nobody to ask.
UNCUT = {("proxy", f"{PROJECT}_outside")}


class Chaos:
    """Does faults to the containers of one stack."""

    def __init__(self, stack: ChaosStack, seed: int):
        self.stack, self.random = stack, random.Random(seed)

    def plan(self, count: int, words: list[str] | None = None) -> list[tuple[str, str]]:
        """Pairs of an action and a service: each about as often as any other, in a random order.

        With ``words``, only those whose names hold one of them.
        """
        pairs = [(a, s) for a in ACTIONS for s in SERVICES if s in DISKS or a != ACTIONS[-1]]
        if words:
            pairs = [pair for pair in pairs if any(word in " ".join(pair) for word in words)]
        found: list[tuple[str, str]] = []
        while len(found) < count:
            found += self.random.sample(pairs, len(pairs))
        return found[:count]

    def do(self, action: str, service: str) -> str:
        """Do one fault and undo what does not undo itself; return what was done, for the reader."""
        does = {
            "kill": self._kill,
            "kill one process of": self._kill_one,
            "stop": self._stop,
            "restart": self._restart,
            "cut": self._cut,
            "fill the disk of": self._fill,
        }
        return does[action](service)

    def _seconds(self, least: float, most: float) -> float:
        return self.random.uniform(least, most)

    def _kill(self, service: str) -> str:
        """As when memory runs out: the restart policy acts, which it would not after ``docker kill``."""
        pid = self.stack.inspect(service)["State"]["Pid"]
        if pid:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        return f"its first process, {pid}"

    def _kill_one(self, service: str) -> str:
        try:
            found = self.stack.processes(service)
        except subprocess.CalledProcessError:
            return "it did not run"
        pid = self.random.choice(sorted(found))
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        return f"{found[pid][:70]}"

    def _stop(self, service: str) -> str:
        began = time.monotonic()
        docker("stop", self.stack.ids[service])
        took, seconds = time.monotonic() - began, self._seconds(1, 5)
        time.sleep(seconds)
        docker("start", self.stack.ids[service])
        return f"stopped within {took:.1f} s, away for {seconds:.1f} s"

    def _restart(self, service: str) -> str:
        began = time.monotonic()
        docker("restart", self.stack.ids[service])
        return f"within {time.monotonic() - began:.1f} s"

    def _cut(self, service: str) -> str:
        uncut = [name for name in self.stack.networks(service) if (service, name) not in UNCUT]
        network, seconds = self.random.choice(uncut), self._seconds(3, 10)
        docker("network", "disconnect", network, self.stack.ids[service])
        try:
            time.sleep(seconds)
        finally:
            docker("network", "connect", "--alias", service, network, self.stack.ids[service])
        return f"from {network.removeprefix(PROJECT + '_')} for {seconds:.1f} s"

    def _fill(self, service: str) -> str:
        seconds = self._seconds(3, 10)
        taken = fill(self.stack.disks[service] / FILLER, seconds)
        return f"with {taken // 1024**2} MB for {seconds:.1f} s"

    def restore(self) -> None:
        """Start whatever a fault that broke off may have left lying."""
        for service in SERVICES:
            docker("start", self.stack.ids[service])
            found = self.stack.networks(service)
            wanted = ["boards"] if service == "virtual-board" else ["inside"]
            for name in wanted:
                if f"{PROJECT}_{name}" not in found:
                    argv = ["--alias", service, f"{PROJECT}_{name}", self.stack.ids[service]]
                    docker("network", "connect", *argv)
