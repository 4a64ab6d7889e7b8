"""How a running job reports phase, progress, metrics, log and heartbeat, and learns that it must stop."""

from __future__ import annotations

import codecs
import contextlib
import logging
import threading
import time

from django.conf import settings
from django.db import DatabaseError, InterfaceError, connection
from django.utils import timezone

from portal.core import tracing
from portal.jobs.checkpoints import Keeper
from portal.jobs.models import Job, LogChunk, Metric, Status

logger = logging.getLogger(__name__)
# How long work that is being undone, or must not stop half-way, may continue after the verdict. A cancel
# takes effect within ten seconds and a time limit within thirty, including the second to notice it.
CANCEL_GRACE_SECONDS = 5.0
LIMIT_GRACE_SECONDS = 20.0
STOP_SECONDS = 10.0


class Cancelled(Exception):
    """A person cancelled the job."""


class TimedOut(Exception):
    """The job exceeded the time limit of its kind."""


class HandedBack(Exception):
    """The worker stops: another one goes on with the job."""


class Superseded(Exception):
    """Someone else ended the job (the reaper assumed it lost): stop and write nothing."""


class LogWriter:
    """Appends text to a job's log in the database. Offsets count UTF-8 bytes."""

    def __init__(self, job: Job):
        self.job = job
        self.offset = job.log_bytes
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")

    def write(self, data: bytes) -> None:
        # A text column cannot hold NUL.
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
    """Passed to ``Kind.perform``; the program runner uses it too."""

    def __init__(self, job: Job, worker: str):
        self.job = job
        self.worker = worker
        self.log_writer = LogWriter(job)
        self.tool_seconds: dict[str, float] = {}
        self.keeper = Keeper(job)
        self.verdict: Exception | None = None  # why the job must end, set by the heartbeat
        self.deadline = float("inf")  # on the monotonic clock, when the time limit expires
        self._grace_ends_at = float("inf")
        self._told_at = 0.0

    def beat(self) -> None:
        """Write a heartbeat. Raise Cancelled or Superseded if the job must end."""
        alive = Job.objects.filter(pk=self.job.pk, worker=self.worker)
        alive = alive.filter(status__in=[Status.RUNNING, Status.CANCELLING])
        if not alive.update(heartbeat_at=timezone.now()):
            raise Superseded
        if Job.objects.filter(pk=self.job.pk, status=Status.CANCELLING).exists():
            raise Cancelled

    def decide(self, verdict: Exception, grace: float = 0.0) -> None:
        """End the job because of ``verdict``. The first verdict stands; the shortest grace period counts."""
        self.verdict = self.verdict or verdict
        self._grace_ends_at = min(self._grace_ends_at, time.monotonic() + grace)

    def check(self) -> None:
        """Raise Cancelled, TimedOut or Superseded if time is up or the heartbeat found that the job must end.

        Cheap. Anything that waits calls it twice a second.
        """
        if self.verdict is None and time.monotonic() > self.deadline:
            self.decide(TimedOut(), LIMIT_GRACE_SECONDS)
        if self.verdict is not None:
            raise self.verdict

    def late_check(self) -> None:
        """As ``check``, but only after the grace period: for clean-up, and for work that must not stop
        half-way.
        """
        try:
            self.check()
        except (Cancelled, TimedOut, Superseded):
            if time.monotonic() >= self._grace_ends_at:
                raise

    def set_phase(self, name: str) -> None:
        """Set the phase and log it; for work that must not stop half-way."""
        self.events([{"type": "phase", "name": name}])
        self.log(name)

    def phase(self, name: str) -> None:
        """Set the phase. Raise Cancelled or Superseded if the job must end."""
        self.set_phase(name)
        self.check()
        self.beat()

    def progress(self, done: float, total: float) -> None:
        """Report progress. Call it as often as you like: it writes a few times a second. Raises as ``check``
        does.
        """
        self.check()
        now = time.monotonic()
        if done >= total or now - self._told_at >= settings.JOB_TICK_SECONDS:
            self._told_at = now
            self.events([{"type": "progress", "done": done, "total": total}])

    def log(self, line: str) -> None:
        """Log a line with the time of day (UTC); for work that has no program output."""
        now = timezone.now().strftime("%H:%M:%S")
        self.log_writer.write(f"{now} {line}\n".encode())

    def events(self, events: list[dict]) -> None:
        """Write a batch of contract events. Unknown types, of later versions, are ignored."""
        columns: dict = {}
        metrics = []
        for event in events:
            if event["type"] == "phase":
                columns["phase"] = event["name"]
                tracing.note("phase", name=str(event["name"]))
            elif event["type"] == "progress":
                columns |= {"done": float(event["done"]), "total": float(event["total"])}
            elif event["type"] == "checkpoint":
                self.keeper.offer(event["folder"])
            elif event["type"] == "metric":
                name, step, value = event["name"], int(event["step"]), float(event["value"])
                metrics.append(Metric(job=self.job, name=name[:50], step=step, value=value))
        if columns:
            Job.objects.filter(pk=self.job.pk).update(**columns)
        Metric.objects.bulk_create(metrics)


class Heartbeat:
    """Beats from a thread while ``perform`` works, and tells the context if the job must end.

    After ``time_limit`` seconds, the next check of the context raises TimedOut.
    """

    def __init__(self, context: JobContext, time_limit: float | None = None):
        self.context = context
        if time_limit is not None:
            context.deadline = time.monotonic() + time_limit
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True, name="heartbeat")

    def _run(self) -> None:
        try:
            self._beat()
        finally:
            connection.close()  # this thread's own

    def _beat(self) -> None:
        while not self._stop.wait(settings.JOB_HEARTBEAT_SECONDS):
            with contextlib.suppress(Cancelled, TimedOut):
                self.context.check()  # the time limit, also for work that does not check
            try:
                self.context.beat()
            except (DatabaseError, InterfaceError):
                logger.warning("no heartbeat of %s could be written; trying again", self.context.job)
                connection.close()  # one that broke would stay broken: the next beat opens another
            except Cancelled as verdict:
                # Keep beating until the work has ended.
                self.context.decide(verdict, CANCEL_GRACE_SECONDS)
            except Superseded as verdict:
                self.context.decide(verdict)
                return

    def __enter__(self) -> Heartbeat:
        self._thread.start()
        return self

    def __exit__(self, *exc_info) -> None:
        self._stop.set()
        # Bounded: the database may block the thread, and a late beat of an ended job writes nothing.
        self._thread.join(STOP_SECONDS)
