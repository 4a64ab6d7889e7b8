"""How jobs relate to runs: as attempts of their steps."""

from __future__ import annotations

import django_filters
from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from portal.core import configs, panels, refusals
from portal.core.filters import OneOf, RowOf, named
from portal.datasets import usage
from portal.deployment.models import Deployment
from portal.devices.models import Device
from portal.jobs import filters, hooks, kinds, search, subjects
from portal.jobs.kinds import Subject
from portal.jobs.models import Job
from portal.models import pages
from portal.models.models import Model
from portal.runs import baselines, pipeline, services
from portal.runs import search as runs
from portal.runs.models import Baseline, Run, Step
from portal.runs.page import panel
from portal.runs.plan import PlanError
from workers.contract.messages import msg

LISTED_AT_MOST = 30_000  # below SQLite's limit of parameters: 32,766


def register() -> None:
    refusals.register(PlanError, 400)
    hooks.on_end(pipeline.after_job)
    hooks.on_end(baselines.after_job)
    hooks.on_retry(pipeline.after_retry)
    hooks.add_owner(owner_of)
    subjects.add_finder(_subjects)
    pages.add_finder(_pages)
    subjects.add_role_rule(_role)
    search.add_text_place(_of_runs)
    panels.add("dataset-version", panel)
    usage.add_user(lambda: Run.objects.order_by().values("dataset_version"))
    usage.add_user(lambda: Model.objects.order_by().values("dataset_version"))
    usage.add_user(lambda: Model.objects.order_by().exclude(unlabelled=None).values("unlabelled"))
    for name, chosen in _filters().items():
        filters.add_filter(name, chosen)
    usage.add_reading_jobs("baseline__run__dataset_version__content_hash")
    kinds.register(
        kinds.Kind(
            name=baselines.KIND,
            title=_("Compare with the deployed model"),
            queue="convert",
            time_limit=2 * 3600,
            prepare=baselines.prepare,
            study=baselines.study,
            complete=baselines.complete,
            replace=baselines.replace,
            subjects=_baselines,
        )
    )


class _OwningRun:
    """A run as the job machine sees it."""

    def __init__(self, run: Run):
        self.run = run

    def revive(self, user) -> None:
        services.revive(self.run, user)

    def get_absolute_url(self) -> str:
        return self.run.get_absolute_url()


def owner_of(job: Job) -> _OwningRun | None:
    run = run_of(job)
    return _OwningRun(run) if run is not None else None


def run_of(job: Job) -> Run | None:
    """The run whose step this job is now; None for a check, a probe, an inference or a replaced job."""
    return Run.objects.filter(steps__job=job).first()


def _subjects(ids: set[int]) -> dict[int, Subject]:
    steps = Step.objects.filter(job__in=ids).select_related("run", "device")
    found = {step.job_id: Subject(_words(step), step.run.get_absolute_url()) for step in steps}
    later = Deployment.objects.filter(job__in=ids - set(found)).exclude(compiled_model__model__job__step=None)
    for row in later.select_related("compiled_model__model__job__step__run", "device"):
        run = row.compiled_model.model.job.step.run
        found[row.job_id] = Subject(_on(run, row.device), run.get_absolute_url())
    return found


def _baselines(ids: set[int]) -> dict[int, Subject]:
    rows = Baseline.objects.filter(job__in=ids).select_related("run")
    return {row.job_id: Subject(str(row), row.run.get_absolute_url() + "#baseline") for row in rows}


def _pages(model_ids: set[int]) -> dict[int, pages.Page]:
    """The runs of these models."""
    steps = Step.objects.filter(job__model__in=model_ids).select_related("run", "job__model")
    return {step.job.model.pk: _page_of(step.run) for step in steps}


def _page_of(run: Run) -> pages.Page:
    names = {"run": {"id": run.pk, "name": run.name}}
    return pages.Page(run.name, run.get_absolute_url(), names, reverse("run-deploy", args=[run.pk]))


def _words(step: Step) -> str:
    if step.device is not None:
        return _on(step.run, step.device)
    if chip := step.inputs.get("chip"):
        return msg("{run} for {chip}", run=step.run.name, chip=configs.title(configs.chips(), chip))
    return step.run.name


def _on(run: Run, device: Device) -> str:
    return msg("{run} on {device}", run=run.name, device=device.name)


def _role(job: Job) -> str | None:
    """Training and conversion count too if their run deploys to a device: a retry ends there."""
    run = run_of(job)
    return services.role_of(run) if run is not None else None


def _of_runs(text: str, team) -> Q:
    found = runs.find(Run.objects.for_team(team), text).order_by().values_list("pk", flat=True)
    return steps_of(_listed(found))


def _listed(run_ids):
    """The numbers themselves, so that the runs are queried once; the query unchanged if it finds more than
    a database accepts as parameters.
    """
    first = list(run_ids[: LISTED_AT_MOST + 1])
    return first if len(first) <= LISTED_AT_MOST else run_ids


def steps_of(run_ids) -> Q:
    """The jobs of these runs' steps; the check of a dataset belongs to many runs."""
    return _jobs_where(run__in=run_ids)


def _jobs_where(**steps) -> Q:
    return Q(pk__in=Step.objects.filter(**steps).exclude(job=None).order_by().values("job"))


class _OfRun(OneOf):
    """Jobs of the runs whose ``column`` is one of the values."""

    def __init__(self, column: str, choices, **more):
        self.column = column
        super().__init__(choices, **more)

    def filter(self, rows, value):
        return rows.filter(_jobs_where(**{f"run__{self.column}__in": value})) if value else rows


class _ForChip(OneOf):
    """Conversions for a chip, and deployments of their results."""

    def filter(self, rows, value):
        if not value:
            return rows
        made = Q(compiled_model__chip__in=value) | Q(deployment__compiled_model__chip__in=value)
        return rows.filter(pk__in=Job.objects.filter(made).order_by().values("pk"))


class _Tagged(django_filters.CharFilter):
    """Jobs of the runs with a tag."""

    def filter(self, rows, value):
        return rows.filter(_jobs_where(run__tags__name__iexact=value)) if value else rows


def _filters() -> dict[str, django_filters.Filter]:
    """``run``: the run whose step the job is; none for a job replaced by a retry."""
    return {
        "run": RowOf(
            Run.objects.for_team,
            "step__run",
            "dataset_version__runs",
            "deployment__compiled_model__model__job__step__run",
            "compiled_model__model__job__step__run",
            "layer_errors__compiled_model__model__job__step__run",
            "quantization_search__model__job__step__run",
            "baseline__run",
        ),
        "recipe": _OfRun("recipe", named(configs.recipes())),
        "chip": _ForChip(named(configs.chips())),
        "tag": _Tagged(help_text=_("a tag of the run, in full")),
    }
