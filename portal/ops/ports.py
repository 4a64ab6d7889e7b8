"""Finds a port to listen on."""

from __future__ import annotations

import socket


def is_free(host: str, port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def first_free(host: str, port: int, tries: int = 100) -> int:
    """``port``, or the next free one. Raises OSError if there is none."""
    for candidate in range(port, port + tries):
        if is_free(host, candidate):
            return candidate
    raise OSError(f"No free port between {port} and {port + tries} on {host}.")
