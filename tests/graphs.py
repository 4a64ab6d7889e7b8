"""What tests want to know of a run's graph, read from the database as it is now."""

from __future__ import annotations

from portal.deployment.models import Deployment
from portal.jobs.models import Job
from portal.models.models import CompiledModel, Model
from portal.runs.models import Run


def job_of(run: Run, kind: str = "train") -> Job | None:
    """The current job of the run's first step of this kind."""
    return run.steps.filter(kind=kind).select_related("job").first().job


def run_of(job: Job) -> Run:
    """The run whose step the job does."""
    return Run.objects.get(steps__job=job)


def model_of(run: Run) -> Model:
    return Model.objects.get(job__step__run=run)


def compiled_of(run: Run):
    """The compiled models of a run, a query."""
    return CompiledModel.objects.filter(job__step__run=run).order_by("id")


def chips_of(run: Run) -> list[str]:
    """The planned chips."""
    return [step.inputs["chip"] for step in run.steps.filter(kind="convert")]


def deployments_of(run: Run):
    """Every attempt to put one of the run's models on a device, a query."""
    return Deployment.objects.filter(compiled_model__model__job__step__run=run).order_by("-id")


def run_of_deployment(deployment: Deployment) -> Run:
    """The run that compiled what was deployed."""
    return Run.objects.get(steps__job=deployment.compiled_model.job)
