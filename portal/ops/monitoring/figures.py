"""Metrics for Prometheus, read from the database on request, so that all web servers return the same."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from django.conf import settings
from django.db.models import Avg, Count, F, Max, Min, Q, Sum
from django.utils import timezone
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric

from portal.datasets.models import Pack, Upload
from portal.devices.models import Device
from portal.jobs.models import FINAL, Artifact, Job, Status
from portal.jobs.scheduler import RUNNING_STATUSES
from portal.ops.backup import BackupError, making
from portal.ops.backup.destination import Destination
from portal.ops.monitoring import checks
from portal.rollouts.models import Rollout
from portal.version import VERSION

PREFIX = "slipway_"
RECENTLY = timedelta(hours=24)


def text() -> bytes:
    """All figures in Prometheus' text format."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Figures())
    return generate_latest(registry)


class _Figures:
    def collect(self) -> Iterator[Metric]:
        for figures in (_about, _queues, _ended, _devices, _stored, _rollouts, _backup, _ready):
            yield from figures()


def _gauge(name: str, words: str, labels: tuple[str, ...] = ()) -> GaugeMetricFamily:
    return GaugeMetricFamily(PREFIX + name, words, labels=labels)


def _one(name: str, words: str, value: float) -> GaugeMetricFamily:
    gauge = _gauge(name, words)
    gauge.add_metric([], value)
    return gauge


def _about() -> Iterator[Metric]:
    gauge = _gauge("build_info", "The running version.", ("version",))
    gauge.add_metric([VERSION], 1)
    yield gauge


def _queues() -> Iterator[Metric]:
    depth = _gauge("queue_depth", "Jobs that wait in a queue.", ("queue",))
    age = _gauge("queue_oldest_seconds", "How long the oldest of them has waited.", ("queue",))
    running = _gauge("jobs_running", "Jobs that run now.", ("queue",))
    rows = Job.objects.filter(status__in=(Status.QUEUED, *RUNNING_STATUSES)).order_by().values("queue")
    rows = rows.annotate(
        waiting=Count("pk", filter=Q(status=Status.QUEUED)),
        oldest=Min("queued_at", filter=Q(status=Status.QUEUED)),
        running=Count("pk", filter=Q(status__in=RUNNING_STATUSES)),
    )
    found = {row["queue"]: row for row in rows}
    for queue in sorted({"default", "train", "convert", "deploy"} | found.keys()):
        row = found.get(queue, {"waiting": 0, "oldest": None, "running": 0})
        depth.add_metric([queue], row["waiting"])
        running.add_metric([queue], row["running"])
        waited = (timezone.now() - row["oldest"]).total_seconds() if row["oldest"] else 0
        age.add_metric([queue], max(0.0, waited))
    return iter((depth, age, running))


def _ended() -> Iterator[Metric]:
    count = _gauge("jobs_ended_24h", "Jobs that ended in the last 24 hours.", ("kind", "outcome"))
    mean = _gauge("job_mean_seconds_24h", "How long they ran on average.", ("kind", "outcome"))
    most = _gauge("job_longest_seconds_24h", "How long the longest of them ran.", ("kind", "outcome"))
    rows = Job.objects.filter(status__in=FINAL, finished_at__gt=timezone.now() - RECENTLY).order_by()
    took = F("finished_at") - F("started_at")
    for row in rows.values("kind", "status").annotate(count=Count("pk"), mean=Avg(took), most=Max(took)):
        labels = [row["kind"], row["status"]]
        count.add_metric(labels, row["count"])
        if row["mean"] is not None:
            mean.add_metric(labels, row["mean"].total_seconds())
            most.add_metric(labels, row["most"].total_seconds())
    return iter((count, mean, most))


def _devices() -> Iterator[Metric]:
    gauge = _gauge("devices", "Registered devices, by state.", ("state",))
    counts = Device.objects.aggregate(
        lost=Count("pk", filter=Q(lost_at__isnull=False, seen_at__isnull=False)),
        never=Count("pk", filter=Q(seen_at=None)),
        online=Count("pk", filter=Q(lost_at=None, seen_at__isnull=False)),
    )
    for state, count in counts.items():
        gauge.add_metric([state], count)
    yield gauge


def _stored() -> Iterator[Metric]:
    gauge = _gauge("stored_bytes", "Bytes of stored files.", ("part",))
    gauge.add_metric(["datasets"], Pack.objects.aggregate(sum=Sum("bytes"))["sum"] or 0)
    gauge.add_metric(["artifacts"], Artifact.objects.aggregate(sum=Sum("size"))["sum"] or 0)
    yield gauge
    unfinished = Upload.objects.filter(offset__lt=F("length")).count()
    yield _one("uploads_unfinished", "Uploads of which bytes are missing.", unfinished)


def _rollouts() -> Iterator[Metric]:
    gauge = _gauge("rollouts", "Rollouts, by status.", ("status",))
    for row in Rollout.objects.order_by().values("status").annotate(count=Count("pk")):
        gauge.add_metric([row["status"]], row["count"])
    yield gauge


def _backup() -> Iterator[Metric]:
    """Nothing without a destination. A destination that cannot be read is a backup of the epoch."""
    if not settings.BACKUP_TO:
        return
    try:
        names = Destination(settings.BACKUP_TO).names()
    except BackupError:
        names = []
    made = making.made_at(names[-1]).timestamp() if names else 0
    yield _one("backup_timestamp_seconds", "When the newest backup was made; 0 if there is none.", made)


def _ready() -> Iterator[Metric]:
    gauge = _gauge("ready", "Whether this server can use what it needs.", ("check",))
    for name, answer in checks.readiness()["checks"].items():
        gauge.add_metric([name], answer == "ok")
    yield gauge
