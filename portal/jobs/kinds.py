"""The registry of job kinds. Apps register theirs in ``AppConfig.ready``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from portal.teams.models import Role
from workers.contract.messages import msg

if TYPE_CHECKING:
    from portal.jobs.context import JobContext
    from portal.jobs.models import Job


@dataclass(frozen=True)
class Invocation:
    """A worker program to start: its arguments without the job folder, its spec, and its permissions.

    ``memory_bytes`` limits the address space of each process, ``data_bytes`` what it writes to memory; None
    means no limit. The program can read the files named in ``inputs`` and ``reads``. ``gpu`` grants access to
    graphics cards, ``sockets`` to the network.
    """

    argv: list[str]
    inputs: dict[str, str | list[str] | None]
    params: dict[str, Any]
    memory_bytes: int | None = None
    data_bytes: int | None = None
    reads: tuple[str, ...] = ()
    gpu: bool = False
    sockets: bool = False


@dataclass(frozen=True)
class Subject:
    """What a job is about, with the URL of its page."""

    words: str
    url: str


@dataclass(frozen=True)
class Kind:
    """How one kind of job runs. Exactly one of ``prepare`` and ``perform`` is given.

    ``prepare`` stages inputs into the job folder and returns the program to start. ``perform`` works inside
    the Celery worker (if the work needs a secret or a connection) and returns the result. ``complete`` writes
    the domain rows, in the transaction that makes the job succeed. ``after`` is called once the job is final,
    whatever the outcome. ``claim`` may refuse; the job is then tried again a little later.
    """

    name: str
    title: str
    queue: str
    time_limit: int
    prepare: Callable[[Job, Path], Invocation] | None = None
    perform: Callable[[Job, JobContext], dict[str, Any]] | None = None
    # Adds to a program's result what ``complete`` needs but must not read or compute in its transaction; the
    # path is the artifacts folder.
    study: Callable[[Job, Path, dict[str, Any]], dict[str, Any]] = field(
        default=lambda job, path, result: result
    )
    complete: Callable[[Job, dict[str, Any]], None] = field(default=lambda job, result: None)
    after: Callable[[Job], None] = field(default=lambda job: None)
    claim: Callable[[Job], bool] = field(default=lambda job: True)
    # Those of these queued jobs that ``claim`` would refuse now, with a constant number of queries.
    held_up: Callable[[set[int]], set[int]] = field(default=lambda ids: set())
    # The download name of a job's file.
    file_name: Callable[[Job, str], str] = field(default=lambda job, name: name.rsplit("/", 1)[-1])
    # The storage folder of the job's artifacts.
    folder: Callable[[Job], str] = field(default=lambda job: f"jobs/{job.pk}")
    # Point the domain row of ``old`` at ``new``, its retry.
    replace: Callable[[Job, Job], None] = field(default=lambda old, new: None)
    # The site of the board that the job is for; empty for none. See ``sites.py``.
    site: Callable[[Job], str] = field(default=lambda job: "")
    # The subjects of the jobs of this kind among these ids, by job id.
    subjects: Callable[[set[int]], dict[int, Subject]] = field(default=lambda ids: {})
    # Whether its artifacts count as job files; False if another app counts them.
    counts_files: bool = True
    # The minimum role to cancel or retry such a job.
    role: str = Role.MEMBER


_kinds: dict[str, Kind] = {}


def register(kind: Kind) -> None:
    if (kind.prepare is None) == (kind.perform is None):
        raise ValueError(f"Kind {kind.name} needs exactly one of prepare and perform.")
    _kinds[kind.name] = kind


def get(name: str) -> Kind:
    """The kind of a job that is there. During an upgrade it may be of a newer release."""
    return _kinds.get(name) or _newer(name)


def is_known(name: str) -> bool:
    return name in _kinds


def _newer(name: str) -> Kind:
    """Its jobs wait for a worker of their release; administrators may cancel them."""
    return Kind(
        name=name,
        title=msg("Job of a newer release ({name})", name=name),
        queue="default",
        time_limit=0,
        claim=lambda job: False,
        held_up=lambda ids: ids,
        role=Role.ADMIN,
    )


def all_kinds() -> list[Kind]:
    return sorted(_kinds.values(), key=lambda kind: kind.name)
