"""Imports: a dataset's next version from a folder on the server or from S3, copied by the job that checks it.

The administrator names the locations in ``IMPORT_DIRS`` and ``IMPORT_S3``; people choose one by name, and a
path below it. The copy is a tar for the ingest program, or an archive as it is.
"""

from __future__ import annotations

import shutil
import tarfile
import time
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from django.conf import settings
from django.utils.translation import gettext as _

from portal.core import names
from portal.core.echoes import shortened
from portal.datasets import upload_limits
from portal.datasets.import_sources import BucketSource, Entry, FolderSource
from portal.datasets.refusals import UploadRefused
from portal.datasets.states import COPYING
from portal.jobs.context import JobContext
from portal.jobs.models import Job
from workers.contract.messages import msg
from workers.datakit.errors import InputError, full_disk_is_input_error
from workers.datakit.limits import Limits, human_bytes

BLOCK = 1024 * 1024
TAR_OVERHEAD = 1024  # a header and padding
LONGEST_PATH = 500
BEAT_SECONDS = 1.0
FOLDER, S3 = "folder", "s3"


@dataclass(frozen=True)
class Place:
    """A location to import from: its name, ``folder`` or ``s3``, and its root."""

    name: str
    kind: str
    where: Path | str

    @property
    def kind_label(self) -> str:
        return _("folder on the server") if self.kind == FOLDER else "S3"


def places() -> list[Place]:
    """All allowed locations; empty if imports are disabled."""
    folders = [Place(name, FOLDER, where) for name, where in settings.IMPORT_DIRS.items()]
    return folders + [Place(name, S3, where) for name, where in settings.IMPORT_S3.items()]


def place(name: str) -> Place:
    """The location with this name. Raises InputError if it is not allowed (any more)."""
    for known in places():
        if known.name == name:
            return known
    names = ", ".join(known.name for known in places())
    name = shortened(name)
    if not names:
        raise InputError(
            msg("Nothing may be imported on this server: its administrator sets IMPORT_DIRS or IMPORT_S3.")
        )
    raise InputError(
        msg("There is no place {name} to import from: choose one of {names}.", name=repr(name), names=names)
    )


def clean_path(text: str) -> str:
    """A typed path below a location, with slashes inside but none around it. Raises InputError."""
    parts = PurePosixPath(text.strip().replace("\\", "/").lstrip("/")).parts
    if ".." in parts or "\0" in text:
        raise InputError(msg("The path must stay below the chosen place: write it without '..'."))
    path = "/".join(parts)
    if len(path) > LONGEST_PATH:
        raise InputError(
            msg(
                "The path is longer than {most} characters: move the files to a shorter one.",
                most=LONGEST_PATH,
            )
        )
    return path


def title(source: str, path: str) -> str:
    """The title of an import, as a file name is that of an upload."""
    return names.shown(path.rpartition("/")[2]) or source


def shown(source: str, path: str) -> str:
    """The source of an import, for the audit and the page."""
    return f"{source}/{path}"


def fetch(job: Job, source: str, path: str, target: Path) -> Path:
    """Copy the chosen files to ``target`` in the job's folder, reporting progress to the job.

    Raises InputError for what cannot or may not be imported, Cancelled if a person cancels.
    """
    chosen = place(source)
    opened = (FolderSource if chosen.kind == FOLDER else BucketSource)(chosen.where, clean_path(path))
    context = JobContext(job, job.worker)
    context.events([{"type": "phase", "name": COPYING}])
    with full_disk_is_input_error():
        total = _total(job, opened, target)
        copy = _Copy(context, total)
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("wb") as file:
            (copy.archive if opened.is_file else copy.tar)(opened, file)
    return target


def _total(job: Job, opened: FolderSource | BucketSource, target: Path) -> int:
    """The bytes to copy. Raises InputError if they exceed the limits of server, team or disk."""
    files = total = 0
    most = Limits().max_files
    for entry in opened.entries():
        files, total = files + 1, total + entry.size
        if files > most:
            raise InputError(
                msg("There are more than the {most} files allowed: import a part of them.", most=f"{most:,}")
            )
    if not files:
        raise InputError(msg("There are no files at this place: check the path, and what lies there."))
    name = job.dataset_version.upload_name
    try:
        upload_limits.check_size(job.team, name, total)
    except UploadRefused as refusal:
        raise InputError(str(refusal)) from refusal
    wanted, free = total + files * TAR_OVERHEAD, shutil.disk_usage(target.parent).free
    if wanted > free:
        raise InputError(
            msg(
                "{name} has {total} and the worker's disk has {free} free: ask the administrator "
                "to free some space, then retry.",
                name=name,
                total=human_bytes(total),
                free=human_bytes(free),
            )
        )
    return total


class _Copy:
    """One copy, block by block, with its progress; checks every second whether it must end."""

    def __init__(self, context: JobContext, total: int):
        self.context, self.total = context, total
        self.done = 0
        self._beaten_at = time.monotonic()

    def archive(self, opened, file: BinaryIO) -> None:
        """An archive: its bytes unchanged."""
        for entry, source in opened.contents():
            counted = _Counted(self, source, entry)
            shutil.copyfileobj(counted, file, BLOCK)
            counted.check_whole()

    def tar(self, opened, file: BinaryIO) -> None:
        """A folder or a prefix: a tar of its files."""
        with tarfile.open(
            fileobj=file, mode="w", format=tarfile.GNU_FORMAT, errors="surrogateescape", copybufsize=BLOCK
        ) as tar:
            for entry, source in opened.contents():
                info = tarfile.TarInfo(entry.name)
                info.size = entry.size
                counted = _Counted(self, source, entry)
                tar.addfile(info, counted)
                counted.check_whole()
                tar.members.clear()  # kept for a table of contents that nobody requests

    def count(self, size: int) -> None:
        """Count more bytes; raises Cancelled or Superseded if the job must end.

        A file that has grown since the total was computed could fill the disk: it is not read any further.
        """
        self.done += size
        if self.done > self.total:
            raise InputError(msg("The files grow while they are copied: retry when nobody writes there."))
        if time.monotonic() - self._beaten_at > BEAT_SECONDS:
            self._beaten_at = time.monotonic()
            self.context.beat()
        self.context.progress(self.done, self.total)


class _Counted:
    """A file being read; never more of it than its size when it was listed."""

    def __init__(self, copy: _Copy, source: BinaryIO, entry: Entry):
        self.copy, self.source, self.entry = copy, source, entry
        self.left = entry.size

    def read(self, size: int = -1) -> bytes:
        """At most ``size`` bytes; fewer only at the end."""
        wanted = min(size if size >= 0 else BLOCK, self.left)
        blocks = []
        while wanted:
            block = self.source.read(wanted)
            if not block:
                raise self._changed()
            blocks.append(block)
            wanted -= len(block)
            self.left -= len(block)
            self.copy.count(len(block))
        return b"".join(blocks)

    def check_whole(self) -> None:
        if self.left or self.source.read(1):
            raise self._changed()

    def _changed(self) -> InputError:
        return InputError(
            msg(
                "{name} was changed while it was copied: retry when nobody writes there.",
                name=self.entry.name,
            )
        )
