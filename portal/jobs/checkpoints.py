"""Copies of what a program may go on from, in storage: the job resumes on any host when this one is lost.

The program offers folders of finished files (``JobFolder.checkpoint``). Every CHECKPOINT_MINUTES, and when a
worker hands a job back, the newest becomes one tar file in storage and replaces the one before it.
"""

from __future__ import annotations

import logging
import shutil
import tarfile
import tempfile
import threading
import time
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from django.conf import settings
from django.core.files import File
from django.core.files.storage import default_storage
from django.db import connection, transaction
from django.utils import timezone

from portal.jobs import made_files
from portal.jobs.models import FINAL, Checkpoint, ErrorKind, Job, Status

logger = logging.getLogger(__name__)
STORE_SECONDS = 60.0  # how long a hand-back waits for a copy that is being made
SWEEP_AT_ONCE = 200


class Keeper:
    """Keeps the checkpoint of one running job up to date, from a thread."""

    def __init__(self, job: Job):
        self._job = job
        self._offered = self._stored = ""
        self._next = time.monotonic() + settings.CHECKPOINT_MINUTES * 60
        self._thread: threading.Thread | None = None

    def offer(self, folder: str) -> None:
        self._offered = folder

    def tick(self) -> None:
        """Start a copy if one is due."""
        if not settings.CHECKPOINT_MINUTES or time.monotonic() < self._next or self._is_busy:
            return
        if self._offered != self._stored:
            self._next = time.monotonic() + settings.CHECKPOINT_MINUTES * 60
            self._thread = threading.Thread(target=self._work, daemon=True, name="checkpoint")
            self._thread.start()

    def store_now(self) -> None:
        """Before: the job must leave this host. After: the newest checkpoint is in storage, if possible."""
        if self._thread is not None:
            self._thread.join(STORE_SECONDS)
        if settings.CHECKPOINT_MINUTES and not self._is_busy and self._offered != self._stored:
            self._store()

    @property
    def _is_busy(self) -> bool:
        return self._thread is not None and self._thread.is_alive()

    def _work(self) -> None:
        try:
            self._store()
        finally:
            connection.close()  # this thread's own

    def _store(self) -> None:
        offered = self._offered
        try:
            if store(self._job, offered):
                self._stored = offered
            else:  # it was replaced while it was read: the newer one is due as well
                self._next = time.monotonic()
        except Exception:
            logger.warning("the checkpoint of %s could not be stored", self._job, exc_info=True)


def job_folder(job: Job) -> Path:
    """The working folder of a job on this host."""
    return Path(settings.JOBS_DIR) / str(job.pk)


def store(job: Job, offered: str) -> bool:
    """Put the files of one offered folder into storage. False if the program has removed it meanwhile."""
    # Not in the job's folder: there the program could have put a link for us to write to.
    with tempfile.TemporaryFile(dir=settings.JOBS_DIR) as packed:
        if not _pack(job_folder(job), offered, packed):
            return False
        size = packed.tell()
        packed.seek(0)
        name = default_storage.save(f"checkpoints/{job.pk}.tar", File(packed))
    with transaction.atomic():
        earlier = Checkpoint.objects.filter(job=job).first()
        fields = {"file": name, "size": size, "made_at": timezone.now()}
        Checkpoint.objects.update_or_create(job=job, defaults=fields)
    if earlier:
        default_storage.delete(earlier.file.name)
    return True


def _pack(folder: Path, offered: str, target: BinaryIO) -> bool:
    count = 0
    with tarfile.open(fileobj=target, mode="w") as tar:
        for name, file in made_files.files_below(folder, offered):
            entry = tar.gettarinfo(arcname=name, fileobj=file)
            entry.uid = entry.gid = 0
            entry.uname = entry.gname = ""
            tar.addfile(entry, file)
            count += 1
    return count > 0 and (folder / offered).is_dir()


def earlier(job: Job) -> Path | None:
    """What this job goes on from: a folder with an earlier attempt's files, fetched from storage if another
    host ran it; None if there is nothing.
    """
    attempts = _lost_before(job)
    for lost in attempts:
        here = job_folder(lost)
        if any(here.glob("scratch/checkpoint-*")):
            return here
        stored = Checkpoint.objects.filter(job=lost).first()
        if stored and (fetched := _fetch(stored, job_folder(job) / "earlier")):
            return fetched
    return next((here for lost in attempts if (here := job_folder(lost)).is_dir()), None)


def _lost_before(job: Job) -> list[Job]:
    """The attempts before this one whose workers were lost, newest first."""
    found = []
    while (job := job.retry_of) is not None and job.error_kind == ErrorKind.LOST:
        found.append(job)
    return found


def _fetch(stored: Checkpoint, target: Path) -> Path | None:
    try:
        target.mkdir(mode=0o700, exist_ok=True)
        with stored.file.open("rb") as file, tarfile.open(fileobj=file, mode="r:") as tar:
            _unpack(tar, target)
    except (OSError, tarfile.TarError):
        logger.warning("the checkpoint of %s could not be read", stored.job, exc_info=True)
        return None
    return target


def _unpack(tar: tarfile.TarFile, target: Path) -> None:
    """Write its files below ``target``, which is empty; raise TarError at what ``_pack`` puts in none.

    The filters of ``extractall`` are not used: the Python 3.11 of Debian 12 has none.
    """
    for entry in tar:
        name = PurePosixPath(entry.name)
        if not entry.isreg() or name.is_absolute() or ".." in name.parts or "\0" in entry.name:
            raise tarfile.ReadError(entry.name)
        path = target / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with tar.extractfile(entry) as source, path.open("wb") as file:
            shutil.copyfileobj(source, file)


def drop(job: Job) -> None:
    """Before: a job has ended and nothing resumes it. After: no checkpoint of it or of its lost attempts."""
    if job.status == Status.FAILED and job.error_kind == ErrorKind.LOST:
        return
    for one in [job, *_lost_before(job)]:
        _remove(Checkpoint.objects.filter(job=one))


def sweep() -> None:
    """Before: checkpoints of jobs that ended days ago. After: none."""
    horizon = timezone.now() - settings.JOB_FOLDER_KEPT
    _remove(Checkpoint.objects.filter(job__status__in=FINAL, job__finished_at__lt=horizon)[:SWEEP_AT_ONCE])


def _remove(rows) -> None:
    for row in rows:
        name = row.file.name
        row.delete()
        try:
            default_storage.delete(name)
        except Exception:
            logger.warning("%s stays in storage and belongs to nothing", name, exc_info=True)
