"""The cache of staged folders for training and conversion on this host: written once, shared, bounded.

A folder is named after a version's content hash. It stays while a running job may read it, and otherwise
until the cache exceeds ``CACHE_MAX_MB`` or no version has that content any more.
"""

from __future__ import annotations

import contextlib
import fcntl
import logging
import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings
from django.db.models import Max

from portal.datasets import contents, indexes, usage
from portal.datasets.models import DatasetVersion
from portal.jobs.models import Job
from portal.jobs.scheduler import RUNNING_STATUSES
from workers.datakit import staging

logger = logging.getLogger(__name__)
# A job learns its folder before the database can show that it reads it.
JUST_USED_SECONDS = 60
FILE_OVERHEAD = 4096  # bytes: the maximum overhead of a file beyond its content
# From a job to the version whose folder it reads.


def folder() -> Path:
    return Path(settings.CACHE_DIR) / "datasets"


def staged(version: DatasetVersion) -> Path:
    """The version's folder, written from its packs if missing.

    Raises StagingError if its images are lost, InputError if the disk is full.
    """
    target = folder() / version.content_hash
    while not _touch(target):
        make_room(_size(version.bytes, version.images))
        with indexes.opened(version) as index:
            staging.stage(index, contents.reader(version), target)
    return target


def make_room(wanted: int = 0) -> None:
    """Remove folders without a version, then the least recently used, to make room for ``wanted`` bytes.

    Folders that a running job reads stay, even if the cache is then too large.
    """
    names = _names()
    sizes = _sizes(names)
    for name in names - set(sizes):
        _remove(name, for_good=True)
    held = sum(sizes.values()) + wanted
    for name in sorted(sizes, key=_used_at):
        if held <= settings.CACHE_MAX_BYTES:
            return
        if _remove(name):
            held -= sizes[name]


def forget(content_hash: str) -> None:
    """Remove the folder of a permanently deleted version, unless another version has the same content."""
    if not DatasetVersion.objects.filter(content_hash=content_hash).exists():
        _remove(content_hash, for_good=True)


def _names() -> set[str]:
    """The names in the cache, including half-written folders of killed processes."""
    if not folder().is_dir():
        return set()
    return {path.name.strip(".").removesuffix(".tmp").removesuffix(".lock") for path in folder().iterdir()}


def _sizes(names: set[str]) -> dict[str, int]:
    """The size of each folder whose content some version has."""
    rows = DatasetVersion.objects.filter(content_hash__in=names).order_by().values("content_hash")
    rows = rows.annotate(most=Max("bytes"), files=Max("images"))
    here = {name for name in names if (folder() / name).is_dir()}
    return {
        row["content_hash"]: _size(row["most"], row["files"]) if row["content_hash"] in here else 0
        for row in rows
    }


def _size(content: int, files: int) -> int:
    return content + files * FILE_OVERHEAD


def _used_at(name: str) -> float:
    try:
        return (folder() / name).stat().st_mtime
    except FileNotFoundError:
        return 0.0


def _touch(target: Path) -> bool:
    """Mark the folder as used now; False if it does not exist."""
    if not target.is_dir():
        return False
    with _locked(target, wait=True):
        try:
            os.utime(target)
        except FileNotFoundError:
            return False
    return True


def _remove(name: str, for_good: bool = False) -> bool:
    """Remove a folder unless a process is writing or reading it; return whether it is gone.

    With ``for_good``, no version has its content: nobody will need it again, and its lock is removed too.
    """
    target = folder() / name
    if not name or not (for_good or target.is_dir()):
        return False
    with _locked(target, wait=False) as free:
        just_used = not for_good and time.time() - _used_at(name) < JUST_USED_SECONDS
        if not free or just_used or _is_read(name):
            return False
        doomed = target.with_name(f".{name}.tmp")
        shutil.rmtree(doomed, ignore_errors=True)
        with contextlib.suppress(FileNotFoundError):
            target.rename(doomed)
        shutil.rmtree(doomed, ignore_errors=True)
        if for_good:
            _lock_of(target).unlink(missing_ok=True)
    logger.info("removed the staged dataset %s from the cache", name[:12])
    return True


def _is_read(content_hash: str) -> bool:
    """Whether a running job, on any host, reads a folder with this content."""
    return usage.is_read(content_hash, Job.objects.filter(status__in=RUNNING_STATUSES))


def _lock_of(target: Path) -> Path:
    return target.with_name(f".{target.name}.lock")  # the one that ``staging.stage`` takes


@contextlib.contextmanager
def _locked(target: Path, wait: bool) -> Iterator[bool]:
    """Hold the folder's lock; yields False if another process has it and ``wait`` is not set."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with _lock_of(target).open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            yield False
            return
        yield True
