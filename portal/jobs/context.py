"""What a running job writes about itself: phase, progress, metrics, log, heartbeat; and cancel."""

from __future__ import annotations

import codecs
import logging
import threading
import time

from django.conf import settings
from django.db import DatabaseError, close_old_connections
from django.utils import timezone

from portal.jobs.models import Job, LogChunk, Metric, Status

logger = logging.getLogger(__name__)


class Cancelled(Exception):
    """A person asked for the job to stop."""


class TimedOut(Exception):
    """The job ran longer than its kind may."""


class Superseded(Exception):
    """The job was ended by somebody else (the reaper took us for dead): stop and write nothing."""


class LogWriter:
    """Appends text to a job's log in the database. Offsets count UTF-8 bytes."""

    def __init__(self, job: Job):
        self.job = job
        self.offset = job.log_bytes
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")

    def write(self, data: bytes) -> None:
        # A database text column holds no NUL.
        text = self._decoder.decode(data).replace("\x00", "")
        if not text or self.offset >= settings.JOB_LOG_MAX_BYTES:
            return
        size = len(text.encode())
        LogChunk.objects.create(job=self.job, offset=self.offset, size=size, text=text)
        self.offset += size
        if self.offset >= settings.JOB_LOG_MAX_BYTES:
            note = "\n[the log is longer than the limit; the rest is left out]\n"
            LogChunk.objects.create(job=self.job, offset=self.offset, size=len(note), text=note)
            self.offset += len(note)
        Job.objects.filter(pk=self.job.pk).update(log_bytes=self.offset)


class JobContext:
    """Handed to ``Kind.perform``; the program runner uses it as well."""

    def __init__(self, job: Job, worker: str):
        self.job = job
        self.worker = worker
        self.log_writer = LogWriter(job)
        self.tool_seconds: dict[str, float] = {}
        self.verdict: Exception | None = None  # why the job must end, as the heartbeat found it
        self._told_at = 0.0

    def beat(self) -> None:
        """Say that the job lives; raise Cancelled or Superseded when it must end."""
        alive = Job.objects.filter(pk=self.job.pk, worker=self.worker)
        alive = alive.filter(status__in=[Status.RUNNING, Status.CANCELLING])
        if not alive.update(heartbeat_at=timezone.now()):
            raise Superseded
        if Job.objects.filter(pk=self.job.pk, status=Status.CANCELLING).exists():
            raise Cancelled

    def check(self) -> None:
        """Raise Cancelled, TimedOut or Superseded when the heartbeat found that the job must end; costs
        nothing."""
        if self.verdict is not None:
            raise self.verdict

    def say(self, name: str) -> None:
        """Say what is being done now, in the log as well; for work that must not stop half way."""
        self.events([{"type": "phase", "name": name}])
        self.log(name)

    def phase(self, name: str) -> None:
        """Say what is being done now; raise Cancelled or Superseded when it must end."""
        self.say(name)
        self.check()
        self.beat()

    def progress(self, done: float, total: float) -> None:
        """May be called for every little piece: it writes a few times a second. Raises as ``check``."""
        self.check()
        now = time.monotonic()
        if done >= total or now - self._told_at >= settings.JOB_TICK_SECONDS:
            self._told_at = now
            self.events([{"type": "progress", "done": done, "total": total}])

    def log(self, line: str) -> None:
        """Write one line with the time of day (UTC) in front; for work that has no program's output."""
        now = timezone.now().strftime("%H:%M:%S")
        self.log_writer.write(f"{now} {line}\n".encode())

    def events(self, events: list[dict]) -> None:
        """Write a batch of contract events; unknown types are for later versions and are ignored."""
        columns: dict = {}
        metrics = []
        for event in events:
            if event["type"] == "phase":
                columns["phase"] = str(event["name"])[:200]
            elif event["type"] == "progress":
                columns |= {"done": float(event["done"]), "total": float(event["total"])}
            elif event["type"] == "metric":
                name, step, value = event["name"], int(event["step"]), float(event["value"])
                metrics.append(Metric(job=self.job, name=name[:50], step=step, value=value))
        if columns:
            Job.objects.filter(pk=self.job.pk).update(**columns)
        Metric.objects.bulk_create(metrics)


class Heartbeat:
    """Beats from a thread while ``perform`` works, and tells the context why the job must end.

    After ``time_limit`` seconds the work ends with TimedOut at its next look at the context.
    """

    def __init__(self, context: JobContext, time_limit: float | None = None):
        self.context = context
        self._deadline = time.monotonic() + time_limit if time_limit is not None else None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True, name="heartbeat")

    def _run(self) -> None:
        while not self._stop.wait(settings.JOB_HEARTBEAT_SECONDS):
            if self._deadline is not None and time.monotonic() > self._deadline:
                self.context.verdict = self.context.verdict or TimedOut()
            try:
                self.context.beat()
            except DatabaseError:
                logger.warning("no heartbeat of %s could be written; trying again", self.context.job)
            except Cancelled as verdict:
                self.context.verdict = verdict  # and go on beating until the work has ended
            except Superseded as verdict:
                self.context.verdict = verdict
                break
        close_old_connections()

    def __enter__(self) -> Heartbeat:
        self._thread.start()
        return self

    def __exit__(self, *exc_info) -> None:
        self._stop.set()
        self._thread.join()
