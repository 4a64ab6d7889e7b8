"""Validates the messages of programs on a board before anything else sees them."""

from __future__ import annotations

from typing import Any

from portal import tasks
from portal.core.untrusted import (
    MAX_BYTES,
    MAX_COUNT,
    MAX_MILLISECONDS,
    MAX_NAME,
    Check,
    Malformed,
    facts,
    flag,
    many,
    maybe,
    number,
    record,
    sentence,
    text,
    whole,
)
from workers.contract.messages import msg
from workers.contract.tasks import FIRST_TASK

MAX_MESSAGE = 500
MAX_RELEASES = 100
MAX_FILES = 1000
MAX_CALLS = 1000  # of a timing
MAX_SECONDS = 10**11  # since the epoch: the year 5138

_ANSWER = {"image": text(MAX_NAME)}
_RELEASE = record(
    {"id": text(MAX_NAME)},
    {
        "activated": maybe(number(0, MAX_SECONDS)),
        "bytes": whole(0, MAX_BYTES),
        "classes": whole(0, MAX_COUNT),
        "provenance": facts,
    },
)
_FILE = record({"name": text(MAX_NAME), "bytes": whole(0, MAX_BYTES), "sha256": maybe(text(64))})
_OUTPUT = record(
    {"kind": text(20), "place": text(), "problem": text(300)},
    {name: whole(0, MAX_BYTES) for name in ("sent", "waiting", "dropped", "refused")},
)
_MESSAGES: dict[str, Check] = {
    # The task knows the fields of predictions: see ``clean_message``.
    "answer": record({**_ANSWER, "ms": number(0, MAX_MILLISECONDS)}, {"task": text(40)}),
    "unanswered": record({**_ANSWER, "error": sentence(300)}),
    "done": record(
        {
            "answered": whole(0, MAX_COUNT),
            "failed": whole(0, MAX_COUNT),
            "load_ms": number(0, MAX_MILLISECONDS),
            "engine": text(120),
        }
    ),
    "app": record(
        {"installed": flag, "running": flag},
        {
            "boot": maybe(text()),
            "restarts": whole(0, MAX_COUNT),
            "release": text(MAX_NAME),
            "frames": whole(0, MAX_BYTES),
            "failed": whole(0, MAX_BYTES),
            "rate": number(0, MAX_COUNT),
            "ms": number(0, MAX_MILLISECONDS),
            "began": number(0, MAX_SECONDS),
            "at": number(0, MAX_SECONDS),
            "problem": text(300),
            "outputs": many(_OUTPUT, 8),
            "recent": many(text(500), 50),
            "log": many(text(400), 100),
        },
    ),
    "profile": record(
        {
            "load_ms": number(0, MAX_MILLISECONDS),
            "first_ms": number(0, MAX_MILLISECONDS),
            "whole_ms": many(number(0, MAX_MILLISECONDS), MAX_CALLS),
            "predict_ms": many(number(0, MAX_MILLISECONDS), MAX_CALLS),
        },
        {
            "engine": text(120),
            "memory_before": maybe(whole(0, MAX_BYTES)),
            "memory_loaded": maybe(whole(0, MAX_BYTES)),
            "celsius_before": maybe(number(-100, 300)),
            "celsius_after": maybe(number(-100, 300)),
            "library_resizes": flag,
        },
    ),
    "error": record({"message": sentence(MAX_MESSAGE)}, {"code": text(40)}),
    "probe": record(
        {"python": text(40)},
        {
            "runtime": maybe(text()),
            "driver": text(40),
            "library": maybe(text()),
            "library_version": maybe(text()),
            "library_problem": maybe(sentence(MAX_MESSAGE)),
            "engine": maybe(text(120)),
            "virtual": flag,
        },
    ),
    "ready": record(
        {"camera": text(120), "width": whole(8, 10_000), "height": whole(8, 10_000)},
        {"engine": text(120), "problem": maybe(sentence(MAX_MESSAGE))},
    ),
    "frame": record(
        {"number": whole(0, MAX_COUNT)},
        {"taken": number(0, MAX_SECONDS), "ms": number(0, MAX_MILLISECONDS), "task": text(40)},
    ),
    "result": record(
        {},
        {
            "current": maybe(text(MAX_NAME)),
            "before": maybe(text(MAX_NAME)),
            "releases": many(_RELEASE, MAX_RELEASES),
            "removed": many(text(MAX_NAME), MAX_FILES),
            "there": flag,
            "restored": flag,
            "locked": flag,
            "left": number(0, MAX_COUNT),
            "bad": many(text(MAX_NAME), MAX_FILES),
            "files": many(_FILE, MAX_FILES),
        },
    ),
}


def clean_message(message: Any) -> dict[str, Any] | None:
    """A message of a program on a board with its known fields; None for an unknown type.

    Raises Malformed.
    """
    kind = message.get("type") if isinstance(message, dict) else None
    if not isinstance(kind, str):
        raise Malformed(msg("a message that is cut short, or that is none"))
    checks = "unanswered" if kind == "answer" and message.get("error") is not None else kind
    if checks not in _MESSAGES:
        return None
    known = _MESSAGES[checks](message, kind)
    if checks == "answer" or (checks == "frame" and "task" in known):
        known |= tasks.get(known.get("task", FIRST_TASK)).answer(message, kind)
    # Additions of later versions of our programs: short texts, numbers, booleans.
    added = {key: one for key, one in message.items() if key not in known and key != "type"}
    return {"type": kind, **facts(added, kind), **known}
