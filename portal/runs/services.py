"""Runs: create one from a plan, cancel it, retry what failed."""

from __future__ import annotations

from django.db import transaction

from portal.conversions.models import CompiledModel
from portal.core import configs
from portal.datasets.models import DatasetVersion
from portal.deployments.models import Deployment
from portal.jobs import services as jobs
from portal.jobs.models import Job, Status
from portal.runs import pipeline, tags
from portal.runs.models import Run, TrainedModel
from portal.runs.plan import Plan, PlanError, deleted_sentence
from portal.teams import audit, quota_usage
from portal.teams.models import Role


@transaction.atomic
def create_run(plan: Plan, team, user, cloned_from: Run | None = None) -> Run:
    """Write the whole plan down and start what can be started. Raises QuotaReached when no more may wait,
    or when nothing is left of the team's storage."""
    jobs.refuse_if_full(team)
    quota_usage.refuse_if_full(team)
    _hold(plan.version)
    run = Run.objects.create(
        team=team,
        created_by=user,
        name=plan.name or f"{plan.version.dataset.name} · {configs.recipes()[plan.recipe]['title']}",
        dataset_version=plan.version,
        preset=plan.preset,
        recipe=plan.recipe,
        params=plan.params,
        cloned_from=cloned_from,
    )
    TrainedModel.objects.create(run=run)
    compiled = {
        target: CompiledModel.objects.create(run=run, chip=target[0], channel_order=target[1])
        for target in plan.chips
    }
    for device in plan.devices:
        profile = configs.boards()[device.profile]
        model = compiled[(profile["chip"], profile["channel_order"])]
        deployment = Deployment.objects.create(run=run, compiled_model=model, device=device)
        audit.record("deployment.create", deployment, team=team, actor=user, label=f"{run} to {device}")
    audit.record("run.create", run, actor=user, detail=f"{plan.recipe} on {plan.version}")
    pipeline.advance(run)
    run.refresh_from_db()
    return run


def _hold(version: DatasetVersion) -> None:
    """Lock the version until the run that names it is written: no sweep removes it in between.

    Raises PlanError when it was deleted since it was chosen.
    """
    row = DatasetVersion.objects.select_for_update().filter(pk=version.pk).first()
    if row is None or row.is_deleted:
        raise PlanError({"dataset_version": deleted_sentence(version)})


def role_for(devices) -> str:
    """The role that starting, stopping or repeating a run needs: with devices it touches boards."""
    return Role.OPERATOR if devices else Role.MEMBER


def steps(run: Run) -> list[Job]:
    """The run's jobs in the order of the path: ingest, train, convert, deploy. Retries replace."""
    found = [run.dataset_version.job, run.trained_model.job]
    found += [model.job for model in run.compiled_models.select_related("job")]
    found += [deployment.job for deployment in run.deployments.newest().select_related("job").order_by("id")]
    return [job for job in found if job is not None]


@transaction.atomic
def cancel_run(run: Run, user) -> None:
    """Ask every step to stop and start no further one. The version's own job goes on."""
    if run.is_final:
        return
    Run.objects.filter(pk=run.pk, cancelled_by=None).update(cancelled_by=user)
    run.cancelled_by = user
    audit.record("run.cancel", run, actor=user)
    for job in steps(run):
        if job.is_active and job.pk != run.dataset_version.job_id:
            jobs.cancel(job, by=user.get_username())
    pipeline.advance(run)


@transaction.atomic
def retry_run(run: Run, user) -> None:
    """Do the failed and cancelled steps again; what succeeded is kept.

    Raises QuotaReached when no more may wait, IllegalTransition when a step was retried in the meantime.
    """
    if run.is_active:
        return
    audit.record("run.retry", run, actor=user)
    Run.objects.filter(pk=run.pk).update(
        cancelled_by=None, finished_at=None, status=Status.QUEUED, message=""
    )
    run.refresh_from_db()
    for job in steps(run):
        if job.status in (Status.FAILED, Status.CANCELLED):
            jobs.retry(job, created_by=user)
    pipeline.advance(run)


def revive(new: Job, user) -> None:
    """After a person's retry of a step: a run that failed or was cancelled goes on, with its other steps.

    A deployment that was asked for after its run had succeeded leaves the run as it is.
    """
    for run in pipeline.runs_with(new):
        if run.status in (Status.FAILED, Status.CANCELLED):
            retry_run(run, user)
        else:
            pipeline.advance(run)


@transaction.atomic
def edit_run(run: Run, user, name: str | None = None, notes: str | None = None, tag_names=None) -> None:
    """Rename a run, write its notes, give it clean tags; None leaves as it is."""
    changed = []
    for field, value in (("name", name), ("notes", notes)):
        if value is not None and value != getattr(run, field):
            setattr(run, field, value)
            changed.append(field)
    if changed:
        run.save(update_fields=changed)
    if tag_names is not None and set(tag_names) != {tag.name for tag in run.tags.all()}:
        tags.put(run, tag_names)
        changed.append("tags")
    if changed:
        audit.record("run.edit", run, actor=user, detail=", ".join(changed))
