"""Sends images to a board and brings back what its current release answers."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from portal.devices.connection import BoardConnection
from portal.devices.errors import BoardError
from portal.devices.pictures import readable
from portal.devices.remote_runner import Profile, run_release

START_SECONDS = 180.0
SECONDS_AN_IMAGE = 5.0
READABLE = {".png", ".jpg", ".jpeg", ".bmp"}


@dataclass(frozen=True)
class Answers:
    """``answers`` in the order of the images, each with ``image`` (the caller's name) and either
    ``label_id``, ``label``, ``score`` (0 to 1), ``ms`` (the prediction on the board) or ``error``;
    ``done`` is the runner's last message: ``answered``, ``failed``, ``load_ms``, ``engine``."""

    answers: list[dict[str, Any]]
    done: dict[str, Any]


def board_names(names: Sequence[str]) -> list[str]:
    """File names safe on any board for images called anything, unique and in order."""
    return [
        f"{number:06d}{suffix if (suffix := PurePosixPath(name).suffix.lower()) in READABLE else '.img'}"
        for number, name in enumerate(names)
    ]


def answer(
    connection: BoardConnection,
    profile: Profile,
    files: Sequence[tuple[str, bytes | Path]],
    *,
    release: str | None = None,
    on_answer: Callable[[int, int], None] | None = None,
) -> Answers:
    """Send ``(name, content)`` images and return the answers of ``release`` (else the current one).

    Names may hold anything; the board never sees them. A format that not every board reads is sent as
    PNG. ``on_answer(done, total)`` reports progress. Nothing stays on the board. Raises NothingDeployed,
    NoVendorLibrary, DiskFull, ConnectionLost …
    """
    root = profile["root"]
    pictures = [readable(name, content) for name, content in files]
    names = board_names([name for name, _ in pictures])
    inbox = f"{root}/inbox/{secrets.token_hex(8)}"
    folder = f"{root}/releases/{release}" if release else f"{root}/current"
    sent: dict[str, bytes | Path] = dict(zip(names, (content for _, content in pictures), strict=True))
    sent["list.txt"] = "".join(f"{name}\n" for name in names).encode()
    done_so_far = 0

    def count(message: dict[str, Any]) -> None:
        nonlocal done_so_far
        if message["type"] == "answer" and on_answer is not None:
            done_so_far += 1
            on_answer(done_so_far, len(files))

    try:
        connection.put_many(sent, inbox, python=profile["python"])
        messages = run_release(
            connection,
            profile,
            folder,
            "answer",
            "--list",
            f"{inbox}/list.txt",
            timeout=START_SECONDS + SECONDS_AN_IMAGE * len(files),
            on_message=count,
        )
    finally:
        _clean(connection, inbox)
    given = dict(zip(names, (name for name, _ in files), strict=True))
    answers = [
        {**{key: value for key, value in message.items() if key != "type"}, "image": given[message["image"]]}
        for message in messages
        if message["type"] == "answer"
    ]
    return Answers(answers, messages[-1])


def _clean(connection: BoardConnection, inbox: str) -> None:
    try:
        with connection.undisturbed():
            connection.run(["rm", "-rf", inbox])
    except BoardError:
        # The connection is gone; the next deployment sweeps old inboxes.
        pass
