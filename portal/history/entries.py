"""The history: a team's runs and jobs merged by time, newest first, in pages."""

from __future__ import annotations

import heapq
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from django.db.models import Q
from django.urls import reverse
from django.utils import timezone

from portal import tasks
from portal.history.filters import RUN
from portal.jobs import subjects
from portal.jobs.models import Job
from portal.runs.figures import Figures, figures_of
from portal.runs.models import Run

PAGE_SIZE = 50
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
CURSOR = re.compile(r"^(\d{1,17})([jr])(\d{1,18})$")


@dataclass(frozen=True, order=True)
class Place:
    """The position of an entry. At the same moment, a run counts as later than a job."""

    at: datetime
    letter: str  # "j" for a job, "r" for a run
    pk: int

    @classmethod
    def read(cls, text: str) -> Place | None:
        """Parse a cursor; None if it is invalid."""
        found = CURSOR.match(text)
        if not found:
            return None
        return cls(EPOCH + timedelta(microseconds=int(found[1])), found[2], int(found[3]))

    def __str__(self):
        return f"{(self.at - EPOCH) // timedelta(microseconds=1)}{self.letter}{self.pk}"


@dataclass
class Entry:
    """A run or a job in the history. ``seconds`` is None before it starts."""

    kind: str  # "run" or the job's kind
    row: Run | Job
    about: subjects.Subject | None = None
    chips: list[str] = field(default_factory=list)
    devices: list[str] = field(default_factory=list)
    tags: list[str] = field(default_factory=list)
    value: float | None = None  # the metric of the trained model
    metric: str = ""

    @property
    def is_run(self) -> bool:
        return self.kind == RUN

    @property
    def place(self) -> Place:
        return Place(self.row.created_at, "r" if self.is_run else "j", self.row.pk)

    @property
    def seconds(self) -> float | None:
        if not self.is_run:
            return self.row.seconds
        return ((self.row.finished_at or timezone.now()) - self.row.created_at).total_seconds()

    @property
    def url(self) -> str:
        return reverse("run-detail" if self.is_run else "job-detail", args=[self.row.pk])


def page(runs, jobs, before: Place | None, size: int = PAGE_SIZE) -> tuple[list[Entry], Place | None]:
    """The ``size`` newest entries of both queries before ``before``, and the next page's cursor, if any."""
    runs = _older(runs, before, "r")[: size + 1]
    jobs = _older(jobs.select_related("created_by").defer("result"), before, "j")[: size + 1]
    entries = _of_runs(runs) + [Entry(job.kind, job) for job in jobs]
    found = heapq.nlargest(size + 1, entries, key=lambda entry: entry.place)
    more = len(found) > size
    found = found[:size]
    _set_subjects(found)
    return found, found[-1].place if more else None


def _older(rows, before: Place | None, letter: str):
    rows = rows.order_by("-created_at", "-pk")
    if before is None:
        return rows
    if letter == before.letter:
        # Both conditions, so that the index on the time is used.
        older = Q(created_at__lt=before.at) | Q(pk__lt=before.pk)
        return rows.filter(created_at__lte=before.at).filter(older)
    # Newest first: at the cursor's moment, jobs come after a run, so they are still to be listed.
    return rows.filter(**{"created_at__lte" if letter == "j" else "created_at__lt": before.at})


def _of_runs(runs) -> list[Entry]:
    """Load what an entry shows, without the large result columns."""
    rows = list(runs.for_lists().prefetch_related("tags"))
    figures = figures_of(rows)
    return [_of_run(run, figures[run.pk]) for run in rows]


def _of_run(run: Run, figures: Figures) -> Entry:
    version = run.dataset_version
    return Entry(
        RUN,
        run,
        subjects.Subject(str(version), reverse("dataset-version", args=[version.pk])),
        chips=sorted(set(figures.chips)),
        devices=list(dict.fromkeys(figures.devices)),
        tags=[tag.name for tag in run.tags.all()],
        value=run.value,
        metric=tasks.get(run.task).metric_title,
    )


def _set_subjects(entries: list[Entry]) -> None:
    known = subjects.of([entry.row for entry in entries if not entry.is_run])
    for entry in entries:
        if not entry.is_run:
            entry.about = known.get(entry.row.pk)
