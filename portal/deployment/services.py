"""Deployments: start one, store its result, roll a device back to an earlier release."""

from __future__ import annotations

from django.db import transaction

from portal.core import configs
from portal.deployment import evidence, gate
from portal.deployment.models import Deployment
from portal.devices.models import Device
from portal.devices.moves import AddressHeld
from portal.jobs import services as jobs
from portal.jobs.models import IllegalTransition, Job, NothingLeft, Priority, Status
from portal.models import evaluations
from portal.models.models import CompiledModel
from portal.notify import services as notify
from portal.teams import audit
from workers.contract.messages import msg

KIND = "deploy"
EVENTS = {Status.SUCCEEDED: "deployment.finished", Status.FAILED: "deployment.failed"}


@transaction.atomic
def start(
    compiled: CompiledModel,
    device: Device,
    user,
    *,
    board_images: int,
    priority: int = Priority.NORMAL,
    override: str = "",
) -> Deployment:
    """Queue an attempt to put a compiled model on a device and make it current.

    ``override`` is the reason to deploy what the team's policy refuses. Each call is a new attempt, so
    that an older model can become current again. Raises IllegalTransition while it is being deployed there,
    GateRefused without a reason. ``runs.services.deploy`` checks the quota of queued jobs.
    """
    before = _last_attempt(compiled.pk, device.pk)
    if before is not None and before.job.is_active:
        raise IllegalTransition(
            msg("{deployment} is under way already: wait for its end.", deployment=before)
        )
    decision = gate.refuse_unless_passed(compiled, override)
    made = Deployment.objects.create(
        compiled_model=compiled,
        device=device,
        board_images=board_images,
        gate=decision.as_data(),
        override="" if decision.passed else override,
        job=jobs.submit(KIND, device.team, user, priority=priority, **device.lane),
    )
    _record_override(made, user)
    return made


def _record_override(made: Deployment, user) -> None:
    if made.override:
        label = f"{made.compiled_model} → {made.device}"
        audit.record(
            "deployment.override", made, team=made.device.team, actor=user, label=label, detail=made.override
        )


@transaction.atomic
def roll_back(source: Deployment, user) -> Deployment:
    """Queue an attempt to make an earlier deployment's release, which is on the board, current again.

    A full queue never refuses it: it may be urgent. Raises IllegalTransition if it is current, was never
    confirmed there, or is no longer on the board.
    """
    source = source.source or source
    device = source.device
    if source.is_current:
        raise IllegalTransition(msg("{release} is current already.", release=source.release))
    if not source.is_kept:
        raise IllegalTransition(
            msg(
                "{release} is not on the board any more: deploy its model again.",
                release=source.release or str(source),
            )
        )
    before = _last_attempt(source.compiled_model_id, device.pk)
    if before is not None and before.job.is_active:
        raise IllegalTransition(
            msg("{deployment} is under way already: wait for its end.", deployment=before)
        )
    made = Deployment.objects.create(
        compiled_model_id=source.compiled_model_id,
        device=device,
        board_images=0,
        source=source,
        job=jobs.submit(KIND, device.team, user, priority=Priority.HIGH, **device.lane),
    )
    label = f"{source.release} on {device}"
    audit.record("deployment.rollback", made, team=device.team, actor=user, label=label)
    return made


def _last_attempt(compiled_id: int, device_id: int) -> Deployment | None:
    """The newest attempt; concurrent requests for it wait for each other."""
    CompiledModel.objects.select_for_update().get(pk=compiled_id)
    rows = Deployment.objects.filter(compiled_model=compiled_id, device=device_id)
    return rows.select_related("job", "compiled_model__model", "device").first()


def moved(device: Device) -> None:
    """Raise AddressHeld while a deployment changes the board at the earlier address."""
    running = Deployment.objects.filter(device=device, job__status=Status.RUNNING).first()
    if running is not None:
        raise AddressHeld(
            msg(
                "Job {pk} is deploying to {name} just now: wait for its end, or cancel it, then change the "
                "address.",
                pk=running.job_id,
                name=device.name,
            )
        )


def fits(compiled: CompiledModel, device: Device) -> bool:
    """Whether the model was compiled for this device's chip and channel order, and its library decodes it;
    False for a removed profile.
    """
    profile = configs.boards().get(device.profile)
    made_for = (compiled.chip, compiled.channel_order)
    if profile is None or made_for != (profile.chip, profile.channel_order):
        return False
    return compiled.model.runs_with(profile.driver)


def complete(job: Job, result: dict) -> None:
    deployment = job.deployment
    deployment.engine = result["engine"][:120]
    deployment.save(update_fields=["engine"])
    compiled = deployment.compiled_model
    evaluations.record(job, result["evaluations"], compiled.model, compiled, deployment.device)


def after(job: Job) -> None:
    """Follow-up of a deployment's end, whatever the outcome."""
    rows = Deployment.objects.select_related("compiled_model__model", "device__team", "job")
    deployment = rows.filter(job=job).first()
    if deployment is None:
        return
    evidence.issue(deployment)
    event = EVENTS.get(job.status)
    if event:
        notify.emit(event, job.team, deployment)


def replace(old: Job, new: Job) -> None:
    """A retry is a new attempt, under the same exception from the policy. Raises IllegalTransition while a
    later attempt is active, or if the model or the device was removed, GateRefused if the policy refuses it.
    """
    attempt = Deployment.objects.filter(job=old).first()
    if attempt is None:
        raise NothingLeft(old)
    last = _last_attempt(attempt.compiled_model_id, attempt.device_id)
    if last is not None and last.pk != attempt.pk and last.job.is_active:
        raise IllegalTransition(msg("{deployment} is under way already: wait for its end.", deployment=last))
    decision = (
        None if attempt.source_id else gate.refuse_unless_passed(attempt.compiled_model, attempt.override)
    )
    Deployment.objects.create(
        compiled_model_id=attempt.compiled_model_id,
        device_id=attempt.device_id,
        board_images=attempt.board_images,
        source_id=attempt.source_id,
        gate=decision and decision.as_data(),
        override=attempt.override,
        job=new,
    )
