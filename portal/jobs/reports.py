"""Parses what a worker program reports, its events and its result, without trusting it.

Pure functions. A half-written line, a wrong type or a non-finite number never raises in the portal.
"""

from __future__ import annotations

import json
import math
import re
import signal
from typing import Any

from workers.contract import InputError
from workers.contract.messages import Decoder, Message, join, msg

LARGEST_RESULT = 64 * 1024 * 1024  # bytes
LONGEST_PHASE = 200  # characters of a phase that is plain text
LARGEST_STEP = 2**31 - 1  # size of the metric's column
FAILURES = ("input", "toolchain")
CRASHES = (signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS, signal.SIGFPE, signal.SIGILL)


class NoResult(Exception):
    """The program ended without a result; the message says how."""


class Unreadable(Exception):
    """The result violates the contract; the message is a sentence."""


def event_of(line: bytes) -> dict[str, Any] | None:
    """Parse a line of ``events.jsonl``; None if it is unusable.

    Raises InputError for a loss that is not finite: the training has diverged.
    """
    try:
        event = json.loads(line, cls=Decoder)
    except (ValueError, RecursionError):
        return None
    if not isinstance(event, dict):
        return None
    kind = event.get("type")
    if kind == "phase":
        return {"type": kind, "name": _phase(event.get("name", ""))}
    if kind == "progress":
        done, total = _number(event.get("done")), _number(event.get("total"))
        return {"type": kind, "done": done, "total": total} if _finite(done) and _finite(total) else None
    if kind == "checkpoint":
        folder = event.get("folder")
        return {"type": kind, "folder": folder} if is_checkpoint(folder) else None
    return _metric(event) if kind == "metric" else None


def is_checkpoint(folder: Any) -> bool:
    return isinstance(folder, str) and re.fullmatch(r"scratch/checkpoint-[0-9]{1,9}", folder) is not None


def _phase(name: Any) -> str:
    """A phase for the job's row: a message as it is, any other text truncated."""
    return name if isinstance(name, Message) else str(name)[:LONGEST_PHASE].replace("\x00", "")


def _metric(event: dict) -> dict[str, Any] | None:
    name, step, value = event.get("name"), event.get("step"), _number(event.get("value"))
    if not isinstance(name, str) or not isinstance(step, int) or abs(step) > LARGEST_STEP or value is None:
        return None
    name = name[:50].replace("\x00", "")
    if not math.isfinite(value):
        if "loss" in name:
            raise diverged(name, step, value)
        return None  # a rate or an estimate that is not known yet
    return {"type": "metric", "name": name, "step": step, "value": value}


def diverged(name: str, step: int, value: float) -> InputError:
    """The error for a loss that is not finite. Validation counts epochs, training iterations."""
    said = "NaN" if math.isnan(value) else msg("infinite")
    if name.startswith("val/"):
        return InputError(
            msg(
                "The training diverged: {name} is {said} after epoch {step}. Lower the learning "
                "rate, then run it again.",
                name=name,
                said=said,
                step=step,
            )
        )
    return InputError(
        msg(
            "The training diverged: {name} is {said} at iteration {step}. Lower the learning "
            "rate, then run it again.",
            name=name,
            said=said,
            step=step,
        )
    )


def result_of(text: str) -> dict[str, Any]:
    """Parse ``result.json``. Raises Unreadable if it violates the contract."""
    try:
        result = json.loads(text, cls=Decoder, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise Unreadable(
            msg("The program wrote a result that cannot be read ({error}).", error=str(error)[:100])
        ) from error
    if not isinstance(result, dict) or not isinstance(result.get("ok"), bool):
        raise Unreadable(msg("The program wrote a result that does not say whether it succeeded."))
    if not result["ok"]:
        if not isinstance(result.get("message"), str) or not result["message"]:
            raise Unreadable(msg("The program says that it failed, but not why."))
        if result.get("kind") not in FAILURES:
            result["kind"] = "toolchain"
    return result


def killed(number: int, memory_ran_out: bool) -> str:
    """Describe a program ended by a signal, with only what is known about the cause."""
    killed = msg("The program was killed by {name} before it had a result.", name=signal.Signals(number).name)
    return join([killed, _hint(number, memory_ran_out)])


def _hint(number: int, memory_ran_out: bool) -> str:
    if number == signal.SIGKILL and memory_ran_out:
        return msg("The system had run out of memory and ended it.")
    if number == signal.SIGKILL:
        return msg(
            "It was killed from outside; often the system has run out of memory then, but it did not say so."
        )
    if number == signal.SIGXCPU:
        return msg("It used more processor time than a job may.")
    if number == signal.SIGXFSZ:
        return msg("It wrote a file larger than a job may.")
    return msg("It crashed.") if number in CRASHES else ""


def _refuse(name: str) -> None:
    raise ValueError(f"it holds {name}, which is no finite number")


def _number(value: Any) -> float | None:
    """The value as a float, possibly NaN or infinite; None if it is not a number."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return float(value)
    except OverflowError:
        return math.inf


def _finite(value: float | None) -> bool:
    return value is not None and math.isfinite(value)
