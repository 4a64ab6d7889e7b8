"""One execution of one job: claim it, run its kind, store what it made, end it."""

from __future__ import annotations

import hashlib
import logging
import os
import shutil
import socket
import uuid
from pathlib import Path

from django.conf import settings
from django.core.files import File
from django.db import transaction
from django.utils import timezone

from portal.jobs import kinds, program, turns
from portal.jobs.context import Cancelled, Heartbeat, JobContext, Superseded, TimedOut
from portal.jobs.models import Artifact, ErrorKind, IllegalTransition, Job, Status
from workers.contract import ProgramError

logger = logging.getLogger(__name__)


def job_folder(job: Job) -> Path:
    return Path(settings.JOBS_DIR) / str(job.pk)


def sweep_folders() -> None:
    """Remove this host's folders of jobs that ended long ago. A lost job is resumed within minutes."""
    horizon = timezone.now() - settings.JOB_FOLDER_KEPT
    for folder in Path(settings.JOBS_DIR).glob("[0-9]*"):
        if Job.objects.filter(pk=folder.name, finished_at__lt=horizon).exists():
            shutil.rmtree(folder, ignore_errors=True)


def worker_name() -> str:
    """Host, process and a random part: no two executions have the same."""
    return f"{socket.gethostname()[:60]}:{os.getpid()}:{uuid.uuid4().hex[:8]}"


def work(queue: str) -> Job | None:
    """Run the best waiting job of a queue to its end and return it; None when none may run now.

    State before: queued. State after: final. What the end of it lets run is another message's business:
    ``services.wake``.
    """
    job = turns.claim_next(queue, worker_name())
    if job is not None:
        run(job)
    return job


def execute(job_id: int) -> bool:
    """Run this very job to its end. False when it must wait and be tried again.

    State before: queued. State after: final. A second call for the same job does nothing.
    """
    job = Job.objects.get(pk=job_id)
    if job.status != Status.QUEUED:
        return True
    if turns.claim(job, worker_name()):
        run(job)
        return True
    job.refresh_from_db(fields=["status"])
    return job.status != Status.QUEUED


def run(job: Job) -> None:
    """Run a job that was just claimed to its end."""
    sweep_folders()
    context = JobContext(job, job.worker)
    try:
        _run_to_end(job, kinds.get(job.kind), context)
    except (Superseded, IllegalTransition):
        logger.warning("%s was ended by somebody else; its result is dropped", job)


def _run_to_end(job: Job, kind: kinds.Kind, context: JobContext) -> None:
    try:
        result = _run(job, kind, context)
    except Cancelled:
        job.move_to(Status.CANCELLED, "stopped on request")
    except ProgramError as error:
        fail(job, error.kind, str(error))
    except TimedOut:
        message = (
            f"It ran longer than {kind.time_limit // 60} minutes and was stopped: see its log, then retry it."
        )
        fail(job, ErrorKind.TOOLCHAIN, message)
    except program.NoResult as error:
        fail(job, ErrorKind.INTERNAL, f"{error} The log's last lines say more.")
    except (Superseded, IllegalTransition):
        raise
    except Exception:
        logger.exception("%s failed", job)
        fail(job, ErrorKind.INTERNAL, f"Unexpected error, job {job.pk}. The server's log has the details.")
    else:
        _finish(job, kind, context, result)
    if job.status == Status.CANCELLED or job.status == Status.SUCCEEDED:
        shutil.rmtree(job_folder(job), ignore_errors=True)
    kind.after(job)


def _run(job: Job, kind: kinds.Kind, context: JobContext) -> dict:
    if kind.perform is not None:
        with Heartbeat(context, kind.time_limit):
            result = kind.perform(job, context)
        context.check()
        return {"ok": True, **result, "tool_seconds": context.tool_seconds}
    folder = job_folder(job)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True, mode=0o700)
    with Heartbeat(context):  # staging may be slow: it copies from storage
        invocation = kind.prepare(job, folder)
    program.write_spec(folder, job.kind, invocation)
    return program.run(invocation, folder, context, kind.time_limit)


def _finish(job: Job, kind: kinds.Kind, context: JobContext, result: dict) -> None:
    if not result["ok"]:
        fail(job, result.get("kind", ErrorKind.TOOLCHAIN), result["message"], result)
        return
    with Heartbeat(context):
        stored = store_artifacts(job, job_folder(job) / "artifacts")
    try:
        with transaction.atomic():
            Artifact.objects.bulk_create(stored)
            kind.complete(job, result)
            job.move_to(Status.SUCCEEDED, result=result)
    except IllegalTransition:
        for artifact in stored:
            artifact.file.delete(save=False)
        job.move_to(Status.CANCELLED, "stopped on request just as it finished")


def fail(job: Job, error_kind: str, message: str, result: dict | None = None) -> None:
    """End a job as failed with a sentence for the person."""
    fields = {"error_kind": error_kind, "message": message, "result": result or {}}
    job.move_to(Status.FAILED, message, **fields)


def store_artifacts(job: Job, folder: Path) -> list[Artifact]:
    """Upload every file below ``folder`` to storage; return unsaved Artifact rows."""
    rows = []
    place = kinds.get(job.kind).folder(job)
    for path in sorted(folder.rglob("*")) if folder.is_dir() else []:
        if path.is_symlink() or not path.is_file():
            continue
        name = path.relative_to(folder).as_posix()
        with path.open("rb") as source:
            digest = hashlib.file_digest(source, "sha256").hexdigest()
            source.seek(0)
            artifact = Artifact(job=job, name=name, size=path.stat().st_size, sha256=digest)
            artifact.file.save(f"{place}/{name}", File(source), save=False)
        rows.append(artifact)
    return rows
