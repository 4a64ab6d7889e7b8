"""The hosts of the workers: each Celery worker writes down every few seconds that it is there.

In the database, which every host reaches, and not by asking through the broker: a busy worker answers late,
and one that is gone could not be shown.
"""

from __future__ import annotations

import logging
import socket
import threading
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from django.conf import settings
from django.db import DatabaseError, InterfaceError, connection
from django.utils import timezone

from portal.jobs import sites
from portal.jobs.models import Job, Worker
from portal.jobs.scheduler import RUNNING_STATUSES
from portal.jobs.sites import LOST_AFTER
from portal.version import VERSION

logger = logging.getLogger(__name__)
EVERY_SECONDS = 15.0
FORGOTTEN_AFTER = timedelta(days=7)
HOST_CHARACTERS = 60  # as in a job's ``worker``
STATES = ALIVE, STOPPING, LOST = "alive", "stopping", "lost"


class Reporter:
    """Writes the row of this worker from a thread, until it stops."""

    def __init__(self, name: str, queues: list[str], slots: int):
        self._name, self._stop = name, threading.Event()
        self._fields = {
            "host": socket.gethostname()[:HOST_CHARACTERS],
            "queues": sorted(queues),
            "slots": slots,
            "device": settings.TRAIN_DEVICE if "train" in queues else "",
            "version": VERSION,
            "started_at": timezone.now(),
        }
        self._is_stopping = False
        self._thread = threading.Thread(target=self._run, daemon=True, name="reporter")

    def start(self) -> None:
        self._thread.start()

    def report(self) -> None:
        """Write down that this worker is there. Never raises."""
        now = {"seen_at": timezone.now(), "cached": cached(), "is_stopping": self._is_stopping}
        try:
            Worker.objects.update_or_create(name=self._name, defaults=self._fields | now)
            Worker.objects.filter(seen_at__lt=timezone.now() - FORGOTTEN_AFTER).delete()
        except (DatabaseError, InterfaceError) as error:
            logger.warning("this worker could not write down that it is there: %s", error)
        finally:
            connection.close()  # pool processes that are forked later must not inherit it

    def stopping(self) -> None:
        self._is_stopping = True
        self.report()

    def end(self) -> None:
        """The worker has stopped as it should: nobody misses it."""
        self._stop.set()
        try:
            Worker.objects.filter(name=self._name).delete()
        except (DatabaseError, InterfaceError) as error:
            logger.warning("this worker could not write down that it is gone: %s", error)
        finally:
            connection.close()

    def _run(self) -> None:
        self.report()
        while not self._stop.wait(EVERY_SECONDS):
            self.report()


_reporters: list[Reporter] = []


def on_ready(sender=None, **kwargs) -> None:
    """Run by Celery's main process when it takes jobs."""
    queues = list(sender.app.amqp.queues.consume_from)
    _reporters.append(Reporter(sender.hostname, queues, sender.pool.limit or 0))
    _reporters[-1].start()


def on_stopping(**kwargs) -> None:
    """Run by Celery's main process when it is told to stop."""
    for reporter in _reporters:
        reporter.stopping()


def on_stopped(**kwargs) -> None:
    """Run by Celery's main process at its end."""
    while _reporters:
        _reporters.pop().end()


def cached() -> int:
    """How many datasets this host has in its cache."""
    return sum(1 for _ in Path(settings.CACHE_DIR, "datasets").glob("[0-9a-f]*"))


@dataclass
class Host:
    """A host with its workers and what it runs now."""

    name: str
    workers: list[dict] = field(default_factory=list)
    jobs: list[Job] = field(default_factory=list)
    seen_at: datetime | None = None
    cached: int = 0

    @property
    def is_alive(self) -> bool:
        return any(worker["state"] != LOST for worker in self.workers)


def hosts() -> list[Host]:
    """All hosts that a worker told of in the last days, by name, in three queries."""
    found: dict[str, Host] = {}
    for row in Worker.objects.all():
        host = found.setdefault(row.host, Host(row.host))
        host.workers.append(_as_dict(row))
        host.seen_at = max(host.seen_at or row.seen_at, row.seen_at)
        host.cached = max(host.cached, row.cached)
    for job in Job.objects.filter(status__in=RUNNING_STATUSES).select_related("team").order_by("pk"):
        name = job.worker.split(":")[0]
        if name in found:
            found[name].jobs.append(job)
    return list(found.values())


def _as_dict(row: Worker) -> dict:
    lost = row.seen_at < timezone.now() - LOST_AFTER
    return {
        "name": row.name,
        "state": LOST if lost else STOPPING if row.is_stopping else ALIVE,
        "queues": row.queues,
        "sites": sorted({site for queue in row.queues if (site := sites.site_of(queue))}),
        "slots": row.slots,
        "device": row.device,
        "version": row.version,
        "is_current": row.version == VERSION,
        "started_at": row.started_at,
        "seen_at": row.seen_at,
    }
