"""Runs the release manager, ``workers/board/release_manager.py``, on a board. No Django here."""

from __future__ import annotations

from typing import Any

from portal.devices.connection import BoardConnection
from portal.devices.remote_runner import Profile, run_sent

# The fields that the result of a command must have.
FIELDS = {
    "status": ("current", "releases"),
    "held": ("files",),
    "verify": ("there", "bad"),
    "accept": ("there", "bad"),
    "activate": ("before",),
    "restore": ("restored", "current"),
    "prune": ("removed",),
    "lock": ("locked",),
}


def run_release_manager(
    connection: BoardConnection, profile: Profile, command: str, *arguments: str
) -> dict[str, Any]:
    """Run a command on the board; return its message."""
    return run_in_turn(connection, profile, (command, *arguments))


def run_in_turn(connection: BoardConnection, profile: Profile, *commands: tuple[str, ...]) -> dict[str, Any]:
    """Run several of its commands in one start of Python, which takes a small board half a second; return the
    fields of all.
    """
    argv: list[str] = []
    for command, *arguments in commands:
        argv += [*(["+"] if argv else []), command, profile.root, *arguments]
    fields = [field for command in commands for field in FIELDS.get(command[0], ())]
    return run_sent(connection, profile, "release_manager.py", *argv, fields=fields)
