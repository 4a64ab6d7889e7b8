"""The kind of job that trains, and what jobs have to do with runs."""

from __future__ import annotations

import django_filters
from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from portal.core import configs
from portal.core.filters import OneOf, RowOf, named
from portal.jobs import filters, kinds, search, subjects
from portal.jobs.models import Job
from portal.jobs.subjects import Subject
from portal.runs import pipeline, services, training
from portal.runs import search as runs
from portal.runs.models import Run, TrainedModel
from portal.teams.models import Role

LISTED_AT_MOST = 5_000  # times three, for the three kinds of step


def register() -> None:
    kinds.register(
        kinds.Kind(
            name="train",
            title=_("Train"),
            queue="train",
            time_limit=24 * 3600,
            prepare=training.prepare,
            complete=training.complete,
            replace=training.replace,
            revive=services.revive,
            subjects=_subjects,
            after=pipeline.after_job,
        )
    )
    subjects.add_role_rule(_role)
    search.add_text_place(_of_runs)
    for name, chosen in _filters().items():
        filters.add_filter(name, chosen)


def _subjects(ids: set[int]) -> dict[int, Subject]:
    return {
        trained.job_id: Subject(trained.run.name, reverse("run-detail", args=[trained.run_id]))
        for trained in TrainedModel.objects.filter(job__in=ids).select_related("run")
    }


def run_of(job: Job) -> Run | None:
    """The run whose step this job is now; None for a check, a probe, an inference or a replaced job."""
    step = Q(trained_model__job=job) | Q(compiled_models__job=job) | Q(deployments__job=job)
    return Run.objects.filter(step).first()


def _role(job: Job) -> str | None:
    """Training and conversion count as well when their run goes on to a device: a retry ends there."""
    run = run_of(job)
    return Role.OPERATOR if run is not None and run.deployments.exists() else None


def _of_runs(text: str, team) -> Q:
    found = runs.find(Run.objects.for_team(team), text).order_by().values_list("pk", flat=True)
    return steps_of(_listed(found))


def _listed(run_ids):
    """The numbers themselves, so that the runs are looked for once and not in each way to their steps; the
    query as it is where it finds more than a database takes as parameters (SQLite: 32,766)."""
    first = list(run_ids[: LISTED_AT_MOST + 1])
    return first if len(first) <= LISTED_AT_MOST else run_ids


def steps_of(run_ids) -> Q:
    """The steps that belong to these runs alone; the check of a dataset belongs to many."""
    return (
        _jobs_where("trained_model__run__in", run_ids)
        | _jobs_where("compiled_model__run__in", run_ids)
        | _jobs_where("deployment__run__in", run_ids)
    )


def _jobs_where(path: str, value) -> Q:
    return Q(pk__in=Job.objects.filter(**{path: value}).order_by().values("pk"))


class _OfRun(OneOf):
    """Jobs of the runs whose ``column`` is one of the values."""

    def __init__(self, column: str, choices, **more):
        self.column = column
        super().__init__(choices, **more)

    def filter(self, rows, value):
        if not value:
            return rows
        found = Run.objects.filter(**{f"{self.column}__in": value}).order_by().values("pk")
        return rows.filter(steps_of(found))


class _ForChip(OneOf):
    """Conversions for a chip, and deployments of what they made."""

    def filter(self, rows, value):
        if not value:
            return rows
        made = _jobs_where("compiled_model__chip__in", value)
        return rows.filter(made | _jobs_where("deployment__compiled_model__chip__in", value))


class _Tagged(django_filters.CharFilter):
    """Jobs of the runs that bear a tag."""

    def filter(self, rows, value):
        if not value:
            return rows
        return rows.filter(
            steps_of(Run.tags.through.objects.filter(tag__name__iexact=value).order_by().values("run"))
        )


def _filters() -> dict[str, django_filters.Filter]:
    """``run``: what the job is a step of; one replaced by a retry is of none."""
    ways = ("trained_model__run", "compiled_model__run", "deployment__run", "dataset_version__runs")
    return {
        "run": RowOf(Run.objects.for_team, *ways),
        "recipe": _OfRun("recipe", named(configs.recipes())),
        "chip": _ForChip(named(configs.chips())),
        "tag": _Tagged(help_text=_("a tag of the run, whole")),
    }
