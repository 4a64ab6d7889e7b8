"""Runs Slipway's programs on a board (``workers/board``) and reads their messages.

Messages are lines ``@@SLIPWAY@@{json}`` among the output of the board's library.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from portal.core import tracing
from portal.core.configs import BoardProfile
from portal.core.untrusted import Malformed, parse_json
from portal.devices.channel import TooMuchOutput
from portal.devices.cleaning import clean_message
from portal.devices.connection import BoardConnection
from portal.devices.errors import (
    BoardError,
    CameraFailed,
    DiskFull,
    MalformedAnswer,
    NoPython,
    NothingDeployed,
    NoVendorLibrary,
    RemoteFailed,
    WrongAnswer,
)
from portal.devices.results import RunResult
from workers.contract.messages import msg

MARK = "@@SLIPWAY@@"
MAX_MESSAGES = 200
WORKERS = Path(__file__).resolve().parents[2] / "workers"
ERRORS: dict[str, type[BoardError]] = {
    "no-library": NoVendorLibrary,
    "disk-full": DiskFull,
    "golden-mismatch": WrongAnswer,
    "no-camera": CameraFailed,
    "camera-busy": CameraFailed,
    "no-frames": CameraFailed,
}

# The fields that the result of a command of the release manager must have.
MANAGER_FIELDS = {
    "status": ("current", "releases"),
    "held": ("files",),
    "verify": ("there", "bad"),
    "accept": ("there", "bad"),
    "activate": ("before",),
    "restore": ("restored", "current"),
    "prune": ("removed",),
    "lock": ("locked",),
}

Profile = BoardProfile


def parse_line(line: str) -> dict[str, Any] | None:
    """The message in one line of output; None for other output and for a truncated or oversized message."""
    if not line.startswith(MARK):
        return None
    try:
        message = parse_json(line[len(MARK) :])
    except Malformed:
        return None
    return message if isinstance(message, dict) and "type" in message else None


class Messages:
    """Collects the messages of one program as its lines arrive; ``all`` holds them, validated.

    An invalid message is reported only at the end, and only if the program succeeded: a board that loses
    power leaves a truncated one.
    """

    def __init__(self, most: int, on_message: Callable[[dict[str, Any]], None] | None = None):
        self.all: list[dict[str, Any]] = []
        self.malformed: Malformed | None = None
        self._most, self._on_message = most, on_message

    def read(self, line: str) -> None:
        """Raises TooMuchOutput for more messages than the program can send."""
        if not line.startswith(MARK):
            return
        try:
            message = clean_message(parse_line(line))
        except Malformed as error:
            self.malformed = self.malformed or error
            return
        if message is None:
            return
        if len(self.all) >= self._most:
            most = self._most
            raise TooMuchOutput(msg("more than {most} messages", most=most))
        self.all.append(message)
        if self._on_message is not None:
            self._on_message(message)

    def check(self, connection: BoardConnection, profile: Profile, result: RunResult) -> None:
        """Raise the error that the program reported, or that its exit, its silence or its output implies."""
        if result.ok and self.malformed is not None:
            raise malformed(connection, self.malformed)
        raise_reported(connection, profile, result, self.all)


def program(path: str) -> bytes:
    """The source of a program in ``workers/``, to be sent to a board."""
    return (WORKERS / path).read_bytes()


def run_sent(
    connection: BoardConnection,
    profile: Profile,
    name: str,
    *arguments: str,
    timeout: float = 120.0,
    fields: Iterable[str] = (),
) -> dict[str, Any]:
    """Run ``workers/board/<name>`` on the board without storing it there; return its one message.

    ``fields`` are the required ones. Raises NoPython, the program's own error, MalformedAnswer, or
    RemoteFailed.
    """
    tracing.note("program for the board", name=name)
    argv = [profile.python, "-", *arguments]
    messages = Messages(MAX_MESSAGES)
    result = connection.run(argv, stdin=program(f"board/{name}"), timeout=timeout, on_line=messages.read)
    messages.check(connection, profile, result)
    last = messages.all[-1]
    for field in fields:
        if field not in last:
            raise malformed(connection, msg("{field} is missing", field=field))
    return last


def run_release_manager(
    connection: BoardConnection, profile: Profile, command: str, *arguments: str
) -> dict[str, Any]:
    """Run a command of ``workers/board/release_manager.py`` on the board; return its message."""
    return run_in_turn(connection, profile, (command, *arguments))


def run_in_turn(connection: BoardConnection, profile: Profile, *commands: tuple[str, ...]) -> dict[str, Any]:
    """Run several of its commands in one start of Python, which takes a small board half a second; return the
    fields of all.
    """
    argv: list[str] = []
    for command, *arguments in commands:
        argv += [*(["+"] if argv else []), command, profile.root, *arguments]
    fields = [field for command in commands for field in MANAGER_FIELDS.get(command[0], ())]
    return run_sent(connection, profile, "release_manager.py", *argv, fields=fields)


def run_release(
    connection: BoardConnection,
    profile: Profile,
    folder: str,
    *arguments: str,
    timeout: float,
    on_message: Callable[[dict[str, Any]], None] | None = None,
    most: int = MAX_MESSAGES,
) -> list[dict[str, Any]]:
    """Run the ``runner.py`` of a release folder; return its messages, the last being ``done``.

    ``on_message`` gets each as it arrives; ``most`` bounds their number. Raises as ``run_sent``.
    """
    tracing.note("program of the release", release=folder)
    argv = [profile.python, f"{folder}/runner.py", "--release", folder, *arguments]
    messages = Messages(most, on_message)
    result = connection.run(argv, timeout=timeout, on_line=messages.read)
    messages.check(connection, profile, result)
    if messages.all[-1]["type"] != "done":
        raise malformed(connection, msg("its last message is not the end"))
    return messages.all


def malformed(connection: BoardConnection, what: object) -> MalformedAnswer:
    """The error for a program that violates the protocol."""
    return MalformedAnswer(
        msg(
            "The program on the board at {address} gave an answer that makes no sense "
            "({what}): restart the board; if it goes on, look at its storage and its Python, "
            "then deploy again.",
            address=connection.address,
            what=what,
        )
    )


def raise_reported(
    connection: BoardConnection, profile: Profile, result: RunResult, messages: list[dict[str, Any]]
) -> None:
    """Raise the error that a program on the board reported, or that its silence implies."""
    python = profile.python
    if result.not_found:
        raise NoPython(
            msg(
                "The board at {address} has no command {python}: install Python 3.8 or newer on "
                "it, or choose the profile that names its Python.",
                address=connection.address,
                python=python,
            )
        )
    last = messages[-1] if messages else {}
    if last.get("type") == "error":
        message = last["message"] or msg(
            "The program on the board at {address} failed: restart it.", address=connection.address
        )
        kind = ERRORS.get(str(last.get("code")))
        raise kind(message) if kind else RemoteFailed(message, result.status, result.stdout)
    if result.ok and last:
        return
    if result.killed:
        raise RemoteFailed(
            msg(
                "The program on the board at {address} was killed, probably for want of memory: "
                "stop other programs on the board, restart it, or train a smaller model.",
                address=connection.address,
            ),
            result.status,
        )
    if "can't open file" in result.stderr:
        raise NothingDeployed(
            msg(
                "The board at {address} has no release to run inference with: deploy a model to it first.",
                address=connection.address,
            ),
            result.status,
        )
    raise RemoteFailed(
        msg(
            "The program on the board at {address} stopped without a word of its own (status "
            "{status}: {words}): restart the board and try again.",
            address=connection.address,
            status=result.status,
            words=result.last_words(),
        ),
        result.status,
        result.stdout + result.stderr,
    )
