"""The contract between the portal and a worker program. Standard library only.

A worker program is started as ``python -m <module> <job folder>`` with the interpreter of its own
environment. It reads ``spec.json`` in that folder, appends events to ``events.jsonl``, writes its output to
``artifacts/`` and ``result.json`` last. ``workers/README.md`` is the full specification.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import shutil
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from workers.contract import diskspace
from workers.contract.diskspace import no_space
from workers.contract.messages import Decoder, Encoder, msg

SCHEMA_VERSION = 1
WATCH_PARENT_SECONDS = 1.0
OUT_OF_MEMORY = msg(
    "The job needed more memory than it may use: give it less to work on, or raise the limit."
)
TOO_LARGE = msg("The job wrote a larger file than it may: give it less to work on.")
Main = Callable[["JobFolder", dict[str, Any]], dict[str, Any]]


class ProgramError(Exception):
    """A failure with one message for the person who started the job; ``str`` returns it.

    ``facts`` are further fields of the result, for use by pages.
    """

    kind = "toolchain"

    def __init__(self, *args: object):
        super().__init__(*args)
        self.facts: dict[str, Any] = {}


class InputError(ProgramError):
    """The input cannot be used; the message says what to change. Never retried."""

    kind = "input"


class ToolchainError(ProgramError):
    """An external tool (PaddleX, paddle2onnx, rknn-toolkit2) failed; the message names it and the reason."""


class JobFolder:
    """One job's folder, with its spec, events, artifacts and result."""

    def __init__(self, path: str | os.PathLike[str]):
        self.path = Path(path).resolve()
        self.artifacts = self.path / "artifacts"
        self.scratch = self.path / "scratch"
        self._seconds: dict[str, float] = {}
        self._resumable: dict[str, list[Path]] = {}
        self._checkpoints = 0
        self._lock = threading.Lock()

    def spec(self) -> dict[str, Any]:
        """Return ``spec.json``; raise InputError if its schema version differs."""
        spec = json.loads((self.path / "spec.json").read_text(encoding="utf-8"), cls=Decoder)
        if spec.get("schema") != SCHEMA_VERSION:
            raise InputError(
                msg(
                    "This worker speaks version {version} of the job contract and the portal sent "
                    "version {sent}: install the same release of both.",
                    version=SCHEMA_VERSION,
                    sent=repr(spec.get("schema")),
                )
            )
        self.artifacts.mkdir(exist_ok=True)
        self.scratch.mkdir(exist_ok=True)
        return spec

    def _event(self, **fields: Any) -> None:
        line = json.dumps({"t": round(time.time(), 3), **fields}, ensure_ascii=False, cls=Encoder)
        with self._lock, (self.path / "events.jsonl").open("a", encoding="utf-8") as events:
            events.write(line + "\n")

    def phase(self, name: str) -> None:
        """Report the current phase in a few words, as a message: ``epoch 3/12``, ``build int8 model``."""
        self._event(type="phase", name=name)

    def progress(self, done: float, total: float) -> None:
        """Report the progress of the whole job, in any unit as long as both share it."""
        self._event(type="progress", done=done, total=total)

    def metric(self, step: int, name: str, value: float) -> None:
        """Record one point of a curve. Names are ``train/loss``, ``val/top1``, ``train/lr`` …"""
        self._event(type="metric", step=step, name=name, value=value)

    def checkpoint(self, files: list[Path], part: str = "") -> None:
        """Offer finished files below the folder, from which a later job can go on, perhaps on another host.

        They are linked into a folder ``scratch/checkpoint-<n>``, where they have the same places as here; the
        portal copies one of these now and then. A job with several trainings offers each as a ``part``.
        """
        self._resumable[part] = files
        self._checkpoints += 1
        target = self.scratch / f"checkpoint-{self._checkpoints}"
        for file in (file for files in self._resumable.values() for file in files):
            where = target / file.relative_to(self.path)
            where.parent.mkdir(parents=True, exist_ok=True)
            try:
                os.link(file, where)
            except FileNotFoundError:
                continue
            except OSError:  # links between folders may be forbidden
                shutil.copyfile(file, where)
        self._event(type="checkpoint", folder=f"scratch/{target.name}")
        # The one before may be being copied.
        shutil.rmtree(self.scratch / f"checkpoint-{self._checkpoints - 2}", ignore_errors=True)

    @contextlib.contextmanager
    def tool(self, name: str) -> Iterator[None]:
        """Count the seconds inside as time spent in the external tool ``name``."""
        start = time.monotonic()
        try:
            yield
        finally:
            with self._lock:
                self._seconds[name] = self._seconds.get(name, 0.0) + time.monotonic() - start

    @property
    def tool_seconds(self) -> dict[str, float]:
        return {name: round(seconds, 3) for name, seconds in self._seconds.items()}

    def evaluation(
        self, stage: str, engine: str, predictions: list[dict[str, Any]], metrics: dict[str, Any]
    ) -> dict[str, Any]:
        """Store a stage's predictions as an artifact and return its entry for the result's
        ``evaluations``.
        """
        name = f"predictions.{stage}.json"
        (self.artifacts / name).write_text(json.dumps(predictions, ensure_ascii=False), encoding="utf-8")
        return {"stage": stage, "engine": engine, "metrics": metrics, "predictions": name}

    def write_result(self, result: dict[str, Any]) -> None:
        temporary = self.path / "result.json.tmp"
        text = json.dumps(result, ensure_ascii=False, indent=1, cls=Encoder)
        temporary.write_text(text, encoding="utf-8")
        os.replace(temporary, self.path / "result.json")


def die_with_parent() -> None:
    """Kill this process group when its parent is gone (killed with -9)."""
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(WATCH_PARENT_SECONDS)
        os.killpg(os.getpgid(0), signal.SIGKILL)

    # Only if this process leads its own group: otherwise the kill would reach a shell that started it by
    # hand.
    if os.getpgid(0) == os.getpid():
        threading.Thread(target=watch, daemon=True, name="die-with-parent").start()


def run(main: Main, argv: list[str] | None = None) -> int:
    """Run ``main(folder, spec)`` under the contract and return the exit status.

    ``main`` returns the fields of a successful result, without ``ok``. A ProgramError becomes a failed result
    with its message. Anything else is a bug: its traceback goes to the log and the process exits with 1 and
    no result, which the portal reports as an unexpected error.
    """
    arguments = sys.argv[1:] if argv is None else argv
    if len(arguments) != 1 or not Path(arguments[0], "spec.json").is_file():
        print("usage: python -m <worker program> <job folder with spec.json>", file=sys.stderr)
        return 2
    folder = JobFolder(arguments[0])
    die_with_parent()
    try:
        result = _result_of(main, folder)
        folder.write_result(result)
    except Exception as error:
        if not no_space(error):
            raise
        return diskspace.EXIT_STATUS  # no room even for a result
    return 0 if result["ok"] else 1


def _known(error: Exception) -> str | None:
    """The message for a system limit that a program met; None for any other error."""
    if no_space(error):
        return diskspace.SENTENCE
    if isinstance(error, MemoryError):
        return OUT_OF_MEMORY
    if isinstance(error, OSError) and error.errno == errno.EFBIG:
        return TOO_LARGE
    return None


def _result_of(main: Main, folder: JobFolder) -> dict[str, Any]:
    try:
        return {"ok": True, **main(folder, folder.spec()), "tool_seconds": folder.tool_seconds}
    except ProgramError as error:
        kind, message, cause, facts = error.kind, str(error), error, error.facts
    except Exception as error:
        if (known := _known(error)) is None:
            raise
        kind, message, cause, facts = ToolchainError.kind, known, error, {}
    with contextlib.suppress(OSError):  # the log may be on the full disk
        traceback.print_exception(cause)
    return {**facts, "ok": False, "kind": kind, "message": message, "tool_seconds": folder.tool_seconds}
