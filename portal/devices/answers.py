"""Sends images to a board and returns the predictions of its current release."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from portal import tasks
from portal.devices.connection import BoardConnection
from portal.devices.errors import BoardError
from portal.devices.pictures import readable
from portal.devices.remote_runner import MAX_MESSAGES, Profile, malformed, run_release
from workers.contract.messages import msg
from workers.contract.tasks import FIRST_TASK

START_SECONDS = 180.0
SECONDS_AN_IMAGE = 5.0
TIDY_SECONDS = 20.0
READABLE = {".png", ".jpg", ".jpeg", ".bmp"}


@dataclass(frozen=True)
class Answers:
    """``answers`` are in the order of the images, each with ``image`` (the caller's name) and either the
    task's prediction with ``ms`` (prediction time on the board), or ``error``; ``done`` is the runner's
    last message: ``answered``, ``failed``, ``load_ms``, ``engine``.
    """

    answers: list[dict[str, Any]]
    done: dict[str, Any]


def board_names(names: Sequence[str]) -> list[str]:
    """File names that are safe on any board, unique and in the order of the images."""
    return [
        f"{number:06d}{suffix if (suffix := PurePosixPath(name).suffix.lower()) in READABLE else '.img'}"
        for number, name in enumerate(names)
    ]


def predict(
    connection: BoardConnection,
    profile: Profile,
    files: Sequence[tuple[str, bytes | Path]],
    *,
    release: str | None = None,
    classes: int | None = None,
    on_answer: Callable[[int, int], None] | None = None,
) -> Answers:
    """Send ``(name, content)`` images and return the predictions of ``release`` (default: the current one).

    Names may hold anything; the board never sees them. Formats that not every board reads are sent as PNG.
    ``classes`` is the release's number of classes, if known. ``on_answer(done, total)`` reports progress.
    Nothing stays on the board. Raises NothingDeployed, NoVendorLibrary, DiskFull, ConnectionLost, and
    MalformedAnswer unless each image gets exactly one valid answer …
    """
    root = profile.root
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
        connection.put_many(sent, inbox, python=profile.python)
        messages = run_release(
            connection,
            profile,
            folder,
            "answer",
            "--list",
            f"{inbox}/list.txt",
            timeout=START_SECONDS + SECONDS_AN_IMAGE * len(files),
            on_message=count,
            most=len(files) + MAX_MESSAGES,
        )
    finally:
        if connection.alive:
            _clean(connection, inbox)
    answers = [message for message in messages if message["type"] == "answer"]
    if wrong := malformation(names, answers, classes):
        raise malformed(connection, wrong)
    by_name = {message["image"]: message for message in answers}
    return Answers(
        [
            {key: value for key, value in by_name[sent_as].items() if key != "type"} | {"image": name}
            for sent_as, (name, _content) in zip(names, files, strict=True)
        ],
        messages[-1],
    )


def malformation(names: Sequence[str], answers: list[dict[str, Any]], classes: int | None) -> str | None:
    """Why these answers do not match the images of these names, in a few words; None if they do."""
    given = [message["image"] for message in answers]
    if sorted(given) != sorted(names):
        sent, came = len(names), len(given)
        return msg(
            "images sent: {sent}; answers received: {came}, or answers to other images", sent=sent, came=came
        )
    if classes is None:
        return None
    given = [message for message in answers if "error" not in message]
    faults = (tasks.get(one.get("task", FIRST_TASK)).fault(one, classes) for one in given)
    return next(filter(None, faults), None)


def _clean(connection: BoardConnection, inbox: str) -> None:
    try:
        with connection.undisturbed(TIDY_SECONDS):
            connection.run(["rm", "-rf", inbox])
    except BoardError:
        # The connection is gone; the next deployment removes old inboxes.
        pass
