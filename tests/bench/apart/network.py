"""A hub and hosts as network namespaces: each host has one link, to the hub alone, which can be cut."""

from __future__ import annotations

import contextlib
import os
import secrets
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

NETWORK = "10.77.0.0/16"


class Network:
    """``mark`` tells this network's namespaces and links from others of the machine."""

    def __init__(self, count: int, mark: str):
        self.count, self.mark = count, mark
        self.hub = f"slipway-{mark}"
        self.hosts = {f"host-{number}": number for number in range(1, count + 1)}

    def namespace(self, host: str) -> str:
        return f"{self.hub}-{self.hosts[host]}"

    def hub_address(self, host: str) -> str:
        """The hub's, as the host reaches it."""
        return f"10.77.{self.hosts[host]}.1"

    def make(self) -> None:
        _ip("netns", "add", self.hub)
        _ip("-n", self.hub, "link", "set", "lo", "up")
        for host, number in self.hosts.items():
            own, link = self.namespace(host), self._link(host)
            _ip("netns", "add", own)
            _ip("-n", self.hub, "link", "add", link, "type", "veth", "peer", "name", "eth0", "netns", own)
            _ip("-n", self.hub, "addr", "add", f"10.77.{number}.1/24", "dev", link)
            _ip("-n", own, "addr", "add", f"10.77.{number}.2/24", "dev", "eth0")
            for where, name in ((self.hub, link), (own, "eth0"), (own, "lo")):
                _ip("-n", where, "link", "set", name, "up")

    def remove(self) -> None:
        """Kill what still runs in the namespaces, and remove them."""
        for name in (*map(self.namespace, self.hosts), self.hub):
            for pid in pids_in(name):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            subprocess.run(["ip", "netns", "del", name], stderr=subprocess.DEVNULL)

    def cut(self, host: str) -> None:
        _ip("-n", self.hub, "link", "set", self._link(host), "down")

    def restore(self, host: str) -> None:
        _ip("-n", self.hub, "link", "set", self._link(host), "up")

    def _link(self, host: str) -> str:
        return f"sw{self.mark}-{self.hosts[host]}"


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True)


def pids_in(namespace: str) -> list[int]:
    found = subprocess.run(["ip", "netns", "pids", namespace], capture_output=True, text=True)
    return [int(word) for word in found.stdout.split()]


@contextlib.contextmanager
def network(count: int) -> Iterator[Network]:
    made = Network(count, secrets.token_hex(3))
    try:
        made.make()
        yield made
    finally:
        made.remove()


def program_pids(namespace: str, words: tuple[str, ...]) -> list[int]:
    """The processes in a namespace whose argument lists hold one of the words."""
    found = []
    for pid in pids_in(namespace):
        with contextlib.suppress(OSError):
            said = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            if any(word in said for word in words):
                found.append(pid)
    return found
