"""Create a run from a plan, cancel it, retry failed steps."""

from __future__ import annotations

from django.db import transaction

from portal.core import configs
from portal.datasets.models import DatasetVersion
from portal.deployment import services as deployment
from portal.deployment.models import Deployment
from portal.devices.models import Device
from portal.jobs import services as jobs
from portal.jobs.models import IllegalTransition, Job, Status
from portal.models.model_files import DETECTORS
from portal.models.models import CompiledModel
from portal.runs import deletion, improving, pipeline, tags
from portal.runs.graph import Graph
from portal.runs.importing import closed_sentence
from portal.runs.models import Run, Step
from portal.runs.plan import Plan, PlanError, deleted_sentence
from portal.runs.quality import LIMITS
from portal.runs.step_kinds import COMPILE, DEPLOY, IMPORT, TRAIN
from portal.teams import audit, quota_usage
from portal.teams.models import Role
from workers.contract.messages import msg

NAME_LENGTH = 120


@transaction.atomic
def create_run(plan: Plan, team, user, cloned_from: Run | None = None) -> Run:
    """Create the whole run and start its first steps.

    Raises QuotaReached if no more jobs may be queued, or the team has no storage left.
    """
    jobs.refuse_if_full(team)
    quota_usage.refuse_if_full(team)
    _hold(plan.version)
    if cloned_from and not plan.method:
        plan.method = Graph(cloned_from).method
    improving.check(plan, team)
    run = Run.objects.create(
        team=team,
        created_by=user,
        name=plan.name or f"{plan.version.dataset.name} · {plan.title}"[:NAME_LENGTH],
        task=plan.task,
        dataset_version=plan.version,
        preset=plan.preset,
        recipe=plan.recipe,
        params=plan.params | _limits(plan.params, team),
        cloned_from=cloned_from,
    )
    _make_graph(run, plan)
    for device in plan.devices:
        audit.record("deployment.create", device, team=team, actor=user, label=f"{run} → {device}")
    words = msg("{recipe} on {version}", recipe=plan.title, version=plan.version)
    audit.record("run.create", run, actor=user, detail=words)
    pipeline.advance(run)
    run.refresh_from_db()
    return run


def _limits(params: dict, team) -> dict:
    """The quality limits: the run's own, or else the team's current ones."""
    return {name: getattr(team, name) if params[name] is None else params[name] for name in LIMITS}


def _make_graph(run: Run, plan: Plan) -> None:
    """Train or import, then compile for each target, then deploy to each device."""
    kind, inputs = TRAIN, {"method": plan.method}
    if plan.file:
        kind, inputs = IMPORT, {"file": plan.file.pk, "labels": plan.labels}
    training = Step.objects.create(run=run, kind=kind, position=0, inputs=inputs)
    compiling: dict[tuple[str, str], Step] = {}
    for target in plan.chips:
        step = Step.objects.create(
            run=run, kind=COMPILE, position=1 + len(compiling), inputs=_compile_inputs(target, plan.params)
        )
        step.needs.add(training)
        compiling[target] = step
    for number, device in enumerate(plan.devices, start=1 + len(compiling)):
        profile = configs.boards()[device.profile]
        inputs = {"board_images": plan.params["board_images"]}
        step = Step.objects.create(run=run, kind=DEPLOY, position=number, device=device, inputs=inputs)
        step.needs.add(compiling[(profile.chip, profile.channel_order)])


def _compile_inputs(target: tuple[str, str], params: dict) -> dict:
    return {
        "chip": target[0],
        "channel_order": target[1],
        "quantization": {
            "dtype": None,
            "algorithm": "normal",
            "calibration_images": params["calibration_images"],
            "seed": params["seed"],
        },
    }


def _hold(version: DatasetVersion) -> None:
    """Lock the version until the run that uses it is written: no sweep removes it in between.

    Raises PlanError if it was deleted since it was chosen.
    """
    row = DatasetVersion.objects.select_for_update().filter(pk=version.pk).first()
    if row is None or row.is_deleted:
        raise PlanError({"dataset_version": deleted_sentence(version)})


def role_for(devices) -> str:
    """The role for starting, stopping or repeating a run: with devices, it affects boards."""
    return Role.OPERATOR if devices else Role.MEMBER


def role_of(run: Run) -> str:
    """The role for stopping or repeating this run."""
    return role_for(run.steps.filter(kind=DEPLOY).exists())


def step_jobs(run: Run) -> list[Job]:
    """The current jobs of the run's steps, in order."""
    steps = run.steps.exclude(job=None).select_related("job__team")
    return [step.job for step in steps]


@transaction.atomic
def cancel_run(run: Run, user) -> None:
    """Cancel every step and start no further one.

    What the run waits for continues: it is a check or an edit of a dataset, which others use too.
    """
    if run.is_final:
        return
    Run.objects.filter(pk=run.pk, cancelled_by=None).update(cancelled_by=user)
    run.cancelled_by = user
    audit.record("run.cancel", run, actor=user)
    for job in step_jobs(run):
        if job.is_active:
            jobs.cancel(job, by=user.get_username())
    pipeline.advance(run)


@transaction.atomic
def retry_run(run: Run, user) -> None:
    """Retry the failed and cancelled steps; succeeded ones are kept.

    Raises QuotaReached if no more jobs may be queued, IllegalTransition if the run was deleted.
    """
    if run.is_active:
        return
    deletion.refuse_if_deleted(run)
    audit.record("run.retry", run, actor=user)
    Run.objects.filter(pk=run.pk).update(
        cancelled_by=None, finished_at=None, status=Status.QUEUED, message=""
    )
    run.refresh_from_db()
    run.steps.exclude(withheld="").update(withheld="")  # the reason to withhold it may be gone
    check = run.dataset_version.job
    for job in [check, *step_jobs(run)] if check else step_jobs(run):
        if job.status in (Status.FAILED, Status.CANCELLED):
            jobs.retry(job, created_by=user)
    pipeline.advance(run)


def revive(run: Run, user) -> None:
    """After a person retried a step: a failed or cancelled run continues with its other steps."""
    if run.status in (Status.FAILED, Status.CANCELLED):
        retry_run(run, user)
    else:
        pipeline.advance(run)


def model_for(graph: Graph, device: Device) -> CompiledModel | None:
    """The run's compiled model that fits the device; None if there is none (yet)."""
    fitting = (one for one in graph.compiled if one.chosen and deployment.fits(one, device))
    return next((one for one in fitting if one.is_ready), None)


@transaction.atomic
def deploy(run: Run, device: Device, user, override: str = "") -> Deployment:
    """Deploy the model that a run compiled for a device's chip to the device, also long after the run's end.

    ``override`` is the reason to deploy what the team's policy refuses. The run's own outcome stays as it is.
    Raises PlanError if there is no such model, IllegalTransition while it is being deployed or if the run was
    deleted, GateRefused without a reason, QuotaReached if no more jobs may be queued.
    """
    jobs.refuse_if_full(run.team)
    deletion.refuse_if_deleted(run)
    graph = Graph(run)
    if not graph.task.is_known:
        sentence = msg(
            "This release does not know the task {task}: it cannot deploy {run}.", task=run.task, run=str(run)
        )
        raise PlanError({"run": sentence})
    ready = model_for(graph, device)
    if ready is None:
        profile = configs.boards()[device.profile]
        if graph.model is not None and not graph.model.runs_with(profile.driver):
            family = DETECTORS[graph.model.facts["detector"]]
            raise PlanError({"device": closed_sentence(device, family)})
        chip = configs.chips()[profile.chip].title
        words = msg(
            "{run} has no model for {device} ({chip}, {channel_order})",
            run=run,
            device=device,
            chip=chip,
            channel_order=profile.channel_order,
        )
        raise PlanError({"device": msg("{words}: start a run that names this device.", words=words)})
    waiting = [step for step in graph.of_kind(DEPLOY) if step.device_id == device.pk and step.job is None]
    if waiting and run.is_active:
        raise IllegalTransition(
            msg("{run} on {device} is under way already: wait for its end.", run=run, device=device)
        )
    made = deployment.start(ready, device, user, board_images=run.params["board_images"], override=override)
    audit.record("deployment.create", made, team=run.team, actor=user, label=f"{run} → {device}")
    return made


@transaction.atomic
def edit_run(run: Run, user, name: str | None = None, notes: str | None = None, tag_names=None) -> None:
    """Rename a run, edit its notes or set clean tags; None leaves a field unchanged."""
    changed = []
    for field, value in (("name", name), ("notes", notes)):
        if value is not None and value != getattr(run, field):
            setattr(run, field, value)
            changed.append(field)
    if changed:
        run.save(update_fields=changed)
    if tag_names is not None and set(tag_names) != {tag.name for tag in run.tags.all()}:
        tags.set_tags(run, tag_names)
        changed.append("tags")
    if changed:
        audit.record("run.edit", run, actor=user, detail=", ".join(changed))
