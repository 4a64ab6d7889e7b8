"""Ports of loopback for programs that have to be told one."""

import itertools
import os
import socket
from pathlib import Path

FIRST = 10_000
_asked = itertools.count()


def free_port() -> int:
    """A port that nobody has, and that the system gives to nobody.

    It lies below those that the system takes for whoever wants any port, such as every connection: one of
    those may be gone before the program listens. Processes that ask at once begin at different places.
    """
    count = _system_begins() - FIRST
    for _ in range(count):
        port = FIRST + (os.getpid() * 37 + next(_asked)) % count
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if not _is_taken(probe, port):
                return port
    raise OSError(f"No port from {FIRST} on is free.")


def _is_taken(probe: socket.socket, port: int) -> bool:
    try:
        probe.bind(("127.0.0.1", port))
    except OSError:
        return True
    return False


def _system_begins() -> int:
    try:
        return max(FIRST + 1000, int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0]))
    except OSError:
        return 32_768
