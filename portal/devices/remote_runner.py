"""Runs our programs on a board (``workers/board``) and reads what they say.

What they say are lines ``@@SLIPWAY@@{json}`` among the noise that a board's library prints.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from portal.devices.connection import BoardConnection, RunResult
from portal.devices.errors import (
    BoardError,
    DiskFull,
    NoPython,
    NothingDeployed,
    NoVendorLibrary,
    RemoteFailed,
    WrongAnswer,
)

MARK = "@@SLIPWAY@@"
BOARD_PROGRAMS = Path(__file__).resolve().parents[2] / "workers" / "board"
ERRORS: dict[str, type[BoardError]] = {
    "no-library": NoVendorLibrary,
    "disk-full": DiskFull,
    "golden-mismatch": WrongAnswer,
}

Profile = Mapping[str, Any]


def parse_line(line: str) -> dict[str, Any] | None:
    """The message of one line of output; None for noise, also for a message cut short."""
    if not line.startswith(MARK):
        return None
    try:
        message = json.loads(line[len(MARK) :])
    except ValueError:
        return None
    return message if isinstance(message, dict) and "type" in message else None


def parse_output(text: str) -> list[dict[str, Any]]:
    return [message for message in map(parse_line, text.splitlines()) if message is not None]


def program(name: str) -> bytes:
    """The text of a program of ``workers/board``, to be sent to a board."""
    return (BOARD_PROGRAMS / name).read_bytes()


def run_sent(
    connection: BoardConnection, profile: Profile, name: str, *arguments: str, timeout: float = 120.0
) -> dict[str, Any]:
    """Run ``workers/board/<name>`` on the board without storing it there; return its one message.

    Raises NoPython, what the program reports, or RemoteFailed.
    """
    argv = [profile["python"], "-", *arguments]
    result = connection.run(argv, stdin=program(name), timeout=timeout)
    messages = parse_output(result.stdout)
    raise_reported(connection, profile, result, messages)
    return messages[-1]


def run_release(
    connection: BoardConnection,
    profile: Profile,
    folder: str,
    *arguments: str,
    timeout: float,
    on_message: Callable[[dict[str, Any]], None] | None = None,
) -> list[dict[str, Any]]:
    """Run the ``runner.py`` of a release folder; return its messages, the last being ``done``.

    ``on_message`` gets each as it comes. Raises as ``run_sent``.
    """

    def told(line: str) -> None:
        message = parse_line(line)
        if message is not None and on_message is not None:
            on_message(message)

    argv = [profile["python"], f"{folder}/runner.py", "--release", folder, *arguments]
    result = connection.run(argv, timeout=timeout, on_line=told)
    messages = parse_output(result.stdout)
    raise_reported(connection, profile, result, messages)
    return messages


def raise_reported(
    connection: BoardConnection, profile: Profile, result: RunResult, messages: list[dict[str, Any]]
) -> None:
    """Raise the error that a program on the board reported, or that its silence means."""
    python = profile["python"]
    if result.not_found:
        raise NoPython(
            f"The board at {connection.address} has no command {python}: install Python 3.8 or newer on it, "
            "or choose the profile that names its Python."
        )
    last = messages[-1] if messages else {}
    if last.get("type") == "error":
        message = str(last.get("message"))
        kind = ERRORS.get(str(last.get("code")))
        raise kind(message) if kind else RemoteFailed(message, result.status, result.stdout)
    if result.ok and last:
        return
    if result.status == -1:
        raise RemoteFailed(
            f"The program on the board at {connection.address} was killed, probably for want of memory: "
            "stop other programs on the board, restart it, or train a smaller model.",
            result.status,
        )
    if "can't open file" in result.stderr:
        raise NothingDeployed(
            f"The board at {connection.address} has no release to answer with: deploy a model to it first.",
            result.status,
        )
    raise RemoteFailed(
        f"The program on the board at {connection.address} stopped without a word of its own "
        f"(status {result.status}: {result.last_words()}): restart the board and try again.",
        result.status,
        result.stdout + result.stderr,
    )
