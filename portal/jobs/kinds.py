"""The kinds of job. An app registers its own in ``AppConfig.ready``; the machine knows none by name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from portal.teams.models import Role

if TYPE_CHECKING:
    from portal.jobs.context import JobContext
    from portal.jobs.models import Job


@dataclass(frozen=True)
class Invocation:
    """A worker program to start: its argument list without the job folder, its spec, what it may use.

    ``memory_bytes`` limits the address space of each process, ``data_bytes`` what it writes to memory; None
    is no limit. The program can read the files that ``inputs`` and ``reads`` name. ``gpu`` opens the
    devices of graphics cards, ``sockets`` the network.
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
    """What a job is about, and the page that tells more."""

    words: str
    url: str


@dataclass(frozen=True)
class Kind:
    """How one kind of job runs. Exactly one of ``prepare`` and ``perform`` is given.

    ``prepare`` stages inputs into the job folder and says which program to start.
    ``perform`` does the work inside the Celery worker (for work that holds a secret or a connection)
    and returns the result. ``complete`` writes the domain rows, in the transaction that makes the job
    succeed. ``after`` is called once the job is final, whatever the outcome. ``claim`` may say that
    the job must wait for something; it is then tried again a little later.
    """

    name: str
    title: str
    queue: str
    time_limit: int
    prepare: Callable[[Job, Path], Invocation] | None = None
    perform: Callable[[Job, JobContext], dict[str, Any]] | None = None
    # Adds to a program's result what must be read or computed for ``complete``, before its transaction; the
    # path is that of the artifacts.
    study: Callable[[Job, Path, dict[str, Any]], dict[str, Any]] = field(
        default=lambda job, path, result: result
    )
    complete: Callable[[Job, dict[str, Any]], None] = field(default=lambda job, result: None)
    after: Callable[[Job], None] = field(default=lambda job: None)
    claim: Callable[[Job], bool] = field(default=lambda job: True)
    # Those of these waiting jobs that ``claim`` would refuse now, found with a few queries for all of them.
    held_up: Callable[[set[int]], set[int]] = field(default=lambda ids: set())
    # What a file that the job made is called when it is downloaded.
    file_name: Callable[[Job, str], str] = field(default=lambda job, name: name.rsplit("/", 1)[-1])
    # The folder in storage for what the job makes.
    folder: Callable[[Job], str] = field(default=lambda job: f"jobs/{job.pk}")
    # Point the domain row of ``old`` at ``new``, its retry.
    replace: Callable[[Job, Job], None] = field(default=lambda old, new: None)
    # What jobs are about, of those among the ids that are of this kind: by job id.
    subjects: Callable[[set[int]], dict[int, Subject]] = field(default=lambda ids: {})
    # Whether its artifacts count as files of jobs; False where another app counts them as its own.
    counts_files: bool = True
    # The least role that may cancel or retry such a job.
    role: str = Role.MEMBER


_kinds: dict[str, Kind] = {}


def register(kind: Kind) -> None:
    if (kind.prepare is None) == (kind.perform is None):
        raise ValueError(f"Kind {kind.name} needs exactly one of prepare and perform.")
    _kinds[kind.name] = kind


def get(name: str) -> Kind:
    return _kinds[name]


def all_kinds() -> list[Kind]:
    return sorted(_kinds.values(), key=lambda kind: kind.name)
