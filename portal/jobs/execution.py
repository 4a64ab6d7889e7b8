"""Executes one claimed job: run its kind, store its artifacts, end it."""

from __future__ import annotations

import hashlib
import logging
import os
import shutil
import socket
import uuid
from functools import partial
from pathlib import Path
from typing import BinaryIO

from django.conf import settings
from django.core.files import File
from django.db import transaction
from django.utils import timezone

from portal.core import request_ids, tracing
from portal.jobs import checkpoints, endings, kinds, made_files, program, scheduler, services
from portal.jobs.checkpoints import job_folder
from portal.jobs.context import HandedBack, Heartbeat, JobContext
from portal.jobs.models import Artifact, IllegalTransition, Job, Status

logger = logging.getLogger(__name__)
SWEEP_AT_ONCE = 500


def sweep_folders() -> None:
    """Remove this host's folders of jobs that ended long ago. A lost job resumes within minutes."""
    horizon = timezone.now() - settings.JOB_FOLDER_KEPT
    names = (folder.name for folder in Path(settings.JOBS_DIR).glob("[0-9]*"))
    oldest = sorted(int(name) for name in names if name.isdecimal() and len(name) < 19)[:SWEEP_AT_ONCE]
    ended = Job.objects.filter(pk__in=oldest, finished_at__lt=horizon).values_list("pk", flat=True)
    for pk in ended:
        shutil.rmtree(Path(settings.JOBS_DIR, str(pk)), ignore_errors=True)


def worker_name() -> str:
    """Host, process and a random part: unique for each execution."""
    return f"{socket.gethostname()[:60]}:{os.getpid()}:{uuid.uuid4().hex[:8]}"


def execute(job_id: int) -> bool:
    """Run this job to its end. False if it must wait and be tried again.

    State before: queued. State after: final. A second call for the same job does nothing.
    """
    job = Job.objects.get(pk=job_id)
    if job.status != Status.QUEUED:
        return True
    if scheduler.claim(job, worker_name()):
        run(job)
        return True
    job.refresh_from_db(fields=["status"])
    return job.status != Status.QUEUED


def run(job: Job) -> None:
    """Run a claimed job to its end. Any exception, from anywhere, ends it once.

    State before: running. State after: final. A separate message starts the jobs that may follow:
    ``services.wake``.
    """
    facts = {"job.id": job.pk, "job.kind": job.kind, "job.attempt": job.attempt, "queue": job.queue}
    with tracing.span(f"job {job.kind}", after=job.trace, **facts) as span, request_ids.about_job(job.pk):
        _run(job)
        if job.status == Status.FAILED:
            tracing.fail(span, f"{job.error_kind}: {job.message}")


def _run(job: Job) -> None:
    sweep_folders()
    context = JobContext(job, job.worker)
    try:
        ended = _attempt(job, context)
    except HandedBack:
        return _hand_back(job, context)
    except Exception as error:
        ending = endings.of_error(error, job)
        ended = ending is not None and endings.end(job, ending)
    if not ended:
        return
    if job.status in (Status.CANCELLED, Status.SUCCEEDED):
        shutil.rmtree(job_folder(job), ignore_errors=True)
    checkpoints.drop(job)
    endings.follow_up(job, endings.FOLLOW_UP_SECONDS)


def _hand_back(job: Job, context: JobContext) -> None:
    """Before: running, its program ended. After: another job in its place, which any host may run."""
    with Heartbeat(context):
        context.keeper.store_now()
    try:
        endings.patiently(lambda: services.hand_back(job), job)
    except IllegalTransition:
        endings.end(job, endings.STOPPED)


def _attempt(job: Job, context: JobContext) -> bool:
    """Do the work and write its outcome. False if someone else has already ended the job."""
    kind = kinds.get(job.kind)
    result = _work(job, kind, context)
    if not result["ok"]:
        return endings.end(job, endings.of_result(result))
    with Heartbeat(context):
        return _succeed(job, kind, result)


def _work(job: Job, kind: kinds.Kind, context: JobContext) -> dict:
    if kind.perform is not None:
        with Heartbeat(context, kind.time_limit):
            result = kind.perform(job, context)
        context.check()
        return {"ok": True, **result, "tool_seconds": context.tool_seconds}
    with Heartbeat(context):  # staging may be slow: it copies from storage
        invocation = endings.patiently(partial(_stage, job, kind, context), job)
    folder = job_folder(job)
    program.write_spec(folder, job.kind, invocation)
    return program.run(invocation, folder, context, kind.time_limit)


def _stage(job: Job, kind: kinds.Kind, context: JobContext) -> kinds.Invocation:
    """Copy what the program needs into an empty folder. Done again when an outage breaks it off."""
    context.check()
    folder = job_folder(job)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True, mode=0o700)
    return kind.prepare(job, folder)


def _succeed(job: Job, kind: kinds.Kind, result: dict) -> bool:
    """Store the artifacts and write the rows. If the job does not succeed, nothing of it remains."""
    stored: list[Artifact] = []
    try:
        artifacts = job_folder(job) / "artifacts"
        result = kind.study(job, artifacts, result)
        store_artifacts(job, artifacts, stored)
        endings.patiently(lambda: _write_success(job, kind, result, stored), job)
    except IllegalTransition:
        _drop(stored)
        return endings.end(job, endings.STOPPED_LATE)
    except BaseException:
        _drop(stored)
        raise
    return True


@transaction.atomic
def _write_success(job: Job, kind: kinds.Kind, result: dict, stored: list[Artifact]) -> None:
    Artifact.objects.bulk_create(stored)
    kind.complete(job, result)
    job.move_to(Status.SUCCEEDED, result=result)


def _drop(stored: list[Artifact]) -> None:
    """Remove files that no row refers to."""
    for artifact in stored:
        try:
            artifact.file.delete(save=False)
        except Exception:
            logger.exception("%s stays in storage and belongs to nothing", artifact.file.name)


def store_artifacts(job: Job, folder: Path, stored: list[Artifact]) -> None:
    """Upload every file below ``folder``; append an unsaved Artifact row for each to ``stored``."""
    place = kinds.get(job.kind).folder(job)
    for name, source in made_files.files_below(folder):
        digest = hashlib.file_digest(source, "sha256").hexdigest()
        artifact = Artifact(job=job, name=name, size=os.fstat(source.fileno()).st_size, sha256=digest)
        endings.patiently(partial(_store, artifact, f"{place}/{name}", source), job)
        stored.append(artifact)


def _store(artifact: Artifact, name: str, source: BinaryIO) -> None:
    source.seek(0)
    artifact.file.save(name, File(source), save=False)
