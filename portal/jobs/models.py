"""Models of the job machine. Only ``Job.move_to`` writes a status."""

import time

from django.db import models, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from portal.core.messages import KEEPS_MESSAGES, MessageField
from portal.teams.models import Owned
from workers.contract.messages import msg


class Status(models.TextChoices):
    QUEUED = "queued", _("Queued")
    RUNNING = "running", _("Running")
    CANCELLING = "cancelling", _("Cancelling")
    SUCCEEDED = "succeeded", _("Succeeded")
    FAILED = "failed", _("Failed")
    CANCELLED = "cancelled", _("Cancelled")


# As a word within a sentence; labels begin with a capital letter.
IN_WORDS = {
    Status.QUEUED: msg("queued"),
    Status.RUNNING: msg("running"),
    Status.CANCELLING: msg("cancelling"),
    Status.SUCCEEDED: msg("succeeded"),
    Status.FAILED: msg("failed"),
    Status.CANCELLED: msg("cancelled"),
}
ACTIVE = (Status.QUEUED, Status.RUNNING, Status.CANCELLING)
FINAL = (Status.SUCCEEDED, Status.FAILED, Status.CANCELLED)
ALLOWED_FROM = {
    Status.QUEUED: (),
    Status.RUNNING: (Status.QUEUED,),
    Status.CANCELLING: (Status.RUNNING,),
    Status.SUCCEEDED: (Status.RUNNING,),
    Status.FAILED: (Status.QUEUED, Status.RUNNING, Status.CANCELLING),
    Status.CANCELLED: (Status.QUEUED, Status.CANCELLING),
}


class IllegalTransition(Exception):
    """The job's status does not allow this transition, perhaps because someone else was first."""


class NothingLeft(IllegalTransition):
    """The subject of the job was removed, or another job handles it now."""

    def __init__(self, job: "Job"):
        super().__init__(
            msg("Job {pk} cannot be retried: what it was for was removed or done again.", pk=job.pk)
        )


class ErrorKind(models.TextChoices):
    INPUT = "input", _("Invalid input")
    TOOLCHAIN = "toolchain", _("A tool failed")
    LOST = "lost", _("The worker disappeared")
    INTERNAL = "internal", _("A defect of Slipway")


class Priority(models.IntegerChoices):
    """The priority of a queued job within its own team; it has no effect between teams."""

    LOW = -1, _("Low")
    NORMAL = 0, _("Normal")
    HIGH = 1, _("High")


def place_now() -> int:
    """The place behind all queued jobs: microseconds since the epoch."""
    return time.time_ns() // 1000


class HasStatus:
    """Status helpers shared by jobs and runs."""

    @property
    def is_active(self) -> bool:
        return self.status in ACTIVE

    @property
    def is_final(self) -> bool:
        return self.status in FINAL


class Job(HasStatus, Owned):
    """One execution of anything long. ``phase`` tells progress, ``status`` the outcome."""

    kind = models.CharField(max_length=20)
    queue = models.CharField(max_length=60)  # of a site: see sites.py
    status = models.CharField(max_length=10, choices=Status, default=Status.QUEUED, db_index=True)
    phase = MessageField(blank=True)
    done = models.FloatField(default=0)
    total = models.FloatField(default=0)
    worker = models.CharField(max_length=100, blank=True)
    # Groups similar jobs of one kind for the forecast: the recipe, for instance.
    variant = models.CharField(max_length=60, blank=True)
    # What no two jobs may use at once: a board, by its address.
    resource = models.CharField(max_length=300, blank=True)
    priority = models.SmallIntegerField(choices=Priority, default=Priority.NORMAL)
    place = models.BigIntegerField(default=place_now)  # among its team's jobs of equal priority, lowest first
    queued_at = models.DateTimeField(default=timezone.now)
    started_at = models.DateTimeField(null=True)
    heartbeat_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    error_kind = models.CharField(max_length=10, choices=ErrorKind, blank=True)
    message = MessageField(blank=True)
    result = models.JSONField(default=dict, **KEEPS_MESSAGES)
    retry_of = models.OneToOneField("self", on_delete=models.SET_NULL, null=True, related_name="retried_by")
    attempt = models.PositiveSmallIntegerField(default=1)
    log_bytes = models.PositiveBigIntegerField(default=0)
    # The position in the trace that it was submitted at, see core/tracing.py.
    trace = models.CharField(max_length=60, blank=True, default="", db_default="")

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["team", "-created_at", "-id"]),
            models.Index(fields=["team", "status", "-id"]),
            models.Index(fields=["team", "kind", "-created_at"]),
            models.Index(fields=["queue", "status", "team"], name="jobs_in_queue"),
            models.Index(fields=["queue", "team", "started_at"], name="jobs_last_start"),
            models.Index(fields=["kind", "status", "-id"], name="jobs_of_kind"),
        ]

    def __str__(self):
        return msg("job {pk} ({kind})", pk=self.pk, kind=self.kind)

    @property
    def percent(self) -> float | None:
        return min(100.0, 100.0 * self.done / self.total) if self.total else None

    @property
    def seconds(self) -> float | None:
        """Seconds from start to end, or to now if it is running; None before it starts."""
        if not self.started_at:
            return None
        return ((self.finished_at or timezone.now()) - self.started_at).total_seconds()

    @property
    def tool_seconds(self) -> dict[str, float]:
        """Seconds spent in external tools, by tool, as measured by the worker program."""
        return self.result.get("tool_seconds", {})

    def move_to(self, target: str, reason: str = "", **fields) -> None:
        """Change the status and write a JobEvent, atomically. Raises IllegalTransition if not allowed.

        ``fields`` are further columns to write in the same update. This instance is updated too.
        """
        now = timezone.now()
        target = Status(target)
        if target == Status.RUNNING:
            fields |= {"started_at": now, "heartbeat_at": now}
        if target in FINAL:
            fields |= {"finished_at": now}
        with transaction.atomic():
            for origin in ALLOWED_FROM[target]:
                here = Job.objects.filter(pk=self.pk, status=origin)
                if here.update(status=target, **fields):
                    JobEvent.objects.create(job=self, old=origin, new=target, reason=reason, at=now)
                    break
            else:
                self.refresh_from_db(fields=["status"])
                raise IllegalTransition(
                    msg(
                        "{job} is {status} and cannot become {target}.",
                        job=self,
                        status=IN_WORDS[self.status],
                        target=IN_WORDS[target],
                    )
                )
        self.status = target
        for name, value in fields.items():
            setattr(self, name, value)


class JobEvent(models.Model):
    """One status change of a job."""

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="events")
    old = models.CharField(max_length=10, blank=True)
    new = models.CharField(max_length=10)
    reason = MessageField(blank=True)
    at = models.DateTimeField()

    class Meta:
        ordering = ["id"]


class LogChunk(models.Model):
    """A piece of a job's log. ``offset`` and ``size`` count UTF-8 bytes of ``text``."""

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="log_chunks")
    offset = models.PositiveBigIntegerField()
    size = models.PositiveIntegerField()
    text = models.TextField()

    class Meta:
        ordering = ["offset"]
        constraints = [models.UniqueConstraint(fields=["job", "offset"], name="one_chunk_per_offset")]


class Metric(models.Model):
    """One point of a curve: ``train/loss`` by iteration, ``val/top1`` by epoch."""

    # The two indexes below cover the foreign key as well.
    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="metrics", db_index=False)
    name = models.CharField(max_length=50)
    step = models.IntegerField()
    value = models.FloatField()

    class Meta:
        ordering = ["id"]
        indexes = [models.Index(fields=["job", "name", "step"]), models.Index(fields=["job", "id"])]


class Artifact(models.Model):
    """A file that a job made, in storage. ``name`` is its path below the job's ``artifacts/``."""

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="artifacts")
    name = models.CharField(max_length=200)
    file = models.FileField(max_length=300)
    size = models.PositiveBigIntegerField()
    sha256 = models.CharField(max_length=64, db_index=True)

    class Meta:
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["job", "name"], name="one_artifact_per_name")]

    def __str__(self):
        return self.name


class Checkpoint(models.Model):
    """What a running job's program may go on from, in storage; see ``checkpoints.py``."""

    job = models.OneToOneField(Job, on_delete=models.CASCADE, related_name="checkpoint")
    file = models.FileField(max_length=300)
    size = models.PositiveBigIntegerField()
    made_at = models.DateTimeField()

    def __str__(self):
        return self.file.name


class Worker(models.Model):
    """A Celery worker, as it reports itself; see ``hosts.py``."""

    name = models.CharField(max_length=200, unique=True)  # Celery's, such as train@gpu-1
    host = models.CharField(max_length=100, db_index=True)
    queues = models.JSONField(default=list)
    slots = models.PositiveIntegerField(default=0)
    device = models.CharField(max_length=100, blank=True)  # what trainings run on, for the queue "train"
    version = models.CharField(max_length=30, blank=True)
    cached = models.PositiveIntegerField(default=0)  # datasets
    is_stopping = models.BooleanField(default=False)
    started_at = models.DateTimeField()
    seen_at = models.DateTimeField()

    class Meta:
        ordering = ["host", "name"]

    def __str__(self):
        return self.name
