"""What people decide about groups and rollouts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from zoneinfo import available_timezones

from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone

from portal.deployment.gate import GateRefused, gates_of
from portal.deployment.running import current_deployments
from portal.devices.models import Device
from portal.devices.moves import AddressHeld
from portal.jobs import services as jobs
from portal.jobs.models import IllegalTransition, Status
from portal.models.models import Model
from portal.rollouts import engine, planning
from portal.rollouts.models import BoardState, Group, Rollout, RolloutStatus, Target, board_of
from portal.rollouts.planning import BOARDS_AT_MOST, WAVES_AT_MOST, RolloutError, Wave
from portal.teams import audit
from workers.contract.messages import join, msg

NAMED = 5  # boards in a sentence


@transaction.atomic
def create(
    model: Model,
    user,
    *,
    name: str,
    devices: Sequence[Device],
    waves: Sequence[Wave] = (),
    hours: int = 24,
    replace_others: bool = False,
    override: str = "",
    **options,
) -> Rollout:
    """Start a rollout of a model to devices of its team; ``options`` are fields of the rollout.

    Raises RolloutError, GateRefused without a reason for an exception, IllegalTransition if another rollout
    has one of the devices.
    """
    _check(devices, waves, options.get("opens"), options.get("closes"))
    planned = planning.plan(model, devices, waves, replace_others=replace_others)
    takers = [one for one in planned if not one.why]
    if not takers:
        raise RolloutError({"devices": join([msg("No board would be changed."), *_reasons(planned)])})
    rollout = Rollout.objects.create(
        team=model.team,
        created_by=user,
        name=name or model.name,
        model=model,
        waves=max(one.wave for one in takers),
        deadline=timezone.now() + timedelta(hours=hours),
        override=_exception(takers, override),
        **options,
    )
    _add_targets(rollout, planned)
    detail = msg("boards: {boards}, waves: {waves}", boards=len(takers), waves=rollout.waves)
    audit.record("rollout.create", rollout, actor=user, detail=detail)
    transaction.on_commit(lambda: engine.advance(rollout.pk))
    return rollout


def _exception(takers, reason: str) -> str:
    """The reason, if the policy refuses one of the models. Raises GateRefused if there is none."""
    gates = gates_of({one.compiled.pk: one.compiled for one in takers}.values())
    refused = next((gate for gate in gates.values() if not gate.passed), None)
    if refused is not None and not reason:
        raise GateRefused(refused)
    return reason if refused is not None else ""


def _check(devices, waves, opens, closes) -> None:
    if not devices or len(devices) > BOARDS_AT_MOST:
        raise RolloutError({"devices": msg("Choose 1 to {most} devices.", most=BOARDS_AT_MOST)})
    if len(waves) > WAVES_AT_MOST:
        raise RolloutError({"waves": msg("Plan at most {most} waves.", most=WAVES_AT_MOST)})
    if (opens is None) != (closes is None) or (opens is not None and opens == closes):
        raise RolloutError({"opens": msg("Give two different times for the window, or none.")})


def _reasons(planned) -> list:
    return list(dict.fromkeys(one.why for one in planned if one.why))[:NAMED]


def _add_targets(rollout: Rollout, planned) -> None:
    now = current_deployments([one.device for one in planned])
    rows = [
        Target(
            rollout=rollout,
            device=one.device,
            compiled_model=one.compiled,
            wave=one.wave,
            state=BoardState.SKIPPED if one.why else BoardState.PENDING,
            message=one.why,
            live=not one.why,
            before=now.get(one.device.pk),
            board=board_of(one.device),
        )
        for one in planned
    ]
    try:
        with transaction.atomic():
            Target.objects.bulk_create(rows)
    except IntegrityError:
        raise IllegalTransition(_taken([one.device for one in planned])) from None


def _taken(devices: Sequence[Device]):
    same = Q(device__in=devices) | Q(board__in=[board_of(device) for device in devices])
    held = Target.objects.filter(same, live=True).select_related("rollout", "device")[:NAMED]
    names = ", ".join(f"{row.device.name} ({row.rollout.name})" for row in held)
    return msg("Another rollout has these boards: {names}. Wait for its end, or abort it.", names=names)


def moved(device: Device) -> None:
    """Its rollouts go on at the new address. Raises AddressHeld if another live rollout has a board there."""
    try:
        with transaction.atomic():
            Target.objects.filter(device=device).update(board=board_of(device))
    except IntegrityError:
        held = Target.objects.filter(board=board_of(device), live=True).exclude(device=device)
        row = held.select_related("rollout", "device").first()
        raise AddressHeld(
            msg(
                "{device} has this address and is in the rollout {name}: wait for its end, or abort it.",
                device=row.device.name if row else device.host,
                name=row.rollout.name if row else "",
            )
        ) from None


# --- decisions --------------------------------------------------------------------------------


def pause(rollout: Rollout, user) -> None:
    """Start no further board; those under way finish."""
    _change(rollout, user, "pause", (RolloutStatus.RUNNING, RolloutStatus.WAITING), RolloutStatus.PAUSED)


@transaction.atomic
def resume(rollout: Rollout, user) -> None:
    """Continue. After a halt, the boards that failed so far halt it no more; after a pause, a wave that was
    not approved still waits for approval.
    """
    row = Rollout.objects.select_for_update().get(pk=rollout.pk)
    unapproved = row.status == RolloutStatus.PAUSED and _awaits_approval(row)
    wanted = (RolloutStatus.PAUSED, RolloutStatus.HALTED)
    _change(rollout, user, "resume", wanted, RolloutStatus.WAITING if unapproved else RolloutStatus.RUNNING)
    if row.status == RolloutStatus.HALTED:
        rollout.targets.filter(state=BoardState.FAILED).update(accepted=True)
    Rollout.objects.filter(pk=rollout.pk).update(resumes_at=None, message="")


def _awaits_approval(rollout: Rollout) -> bool:
    """Whether no board of its wave has begun, and the wave needs approval."""
    begun = rollout.targets.filter(wave=rollout.wave).exclude(
        state__in=(BoardState.PENDING, BoardState.SKIPPED)
    )
    return rollout.needs_approval and rollout.wave > 1 and not begun.exists()


def approve(rollout: Rollout, user) -> None:
    """Let the next wave begin."""
    _change(rollout, user, "approve", (RolloutStatus.WAITING,), RolloutStatus.RUNNING)


@transaction.atomic
def abort(rollout: Rollout, user) -> None:
    """Start no further board, cancel what waits in the queue; boards under way finish. An undo ends too."""
    wanted = [status for status in RolloutStatus if not status.is_final]
    undoing = rollout.targets.filter(rollout__status=RolloutStatus.UNDOING, state=BoardState.AWAY)
    run_it = list(undoing.values_list("pk", flat=True))
    _change(rollout, user, "abort", wanted, RolloutStatus.ABORTED)
    rollout.targets.filter(pk__in=run_it).update(state=BoardState.DONE, message="")
    Rollout.objects.filter(pk=rollout.pk).update(finished_at=timezone.now())
    rest = rollout.targets.filter(state__in=(BoardState.PENDING, BoardState.AWAY))
    rest.update(state=BoardState.SKIPPED, message=msg("The rollout was aborted."), live=False)
    _cancel_queued(rollout, user)
    engine.release(rollout)


@transaction.atomic
def undo(rollout: Rollout, user) -> None:
    """Bring every board back to what it ran before; those that are away, once they are back, for as long
    again as the rollout tried boards. Raises IllegalTransition if another rollout has one.
    """
    wanted = [
        status for status in RolloutStatus if status not in (RolloutStatus.UNDOING, RolloutStatus.UNDONE)
    ]
    _change(rollout, user, "undo", wanted, RolloutStatus.UNDOING)
    deadline = timezone.now() + (rollout.deadline - rollout.created_at)
    Rollout.objects.filter(pk=rollout.pk).update(deadline=deadline, message="")
    # A board that went away during its deployment may run the model: the undo asks it once it is back.
    untouched = Q(state=BoardState.PENDING) | Q(state=BoardState.AWAY, deployment=None)
    rest = rollout.targets.filter(untouched)
    rest.update(state=BoardState.SKIPPED, message=msg("The rollout is undone."), live=False)
    failed = rollout.targets.filter(state=BoardState.FAILED).select_related("deployment__device")
    runs = [row.pk for row in failed if row.deployment and row.deployment.is_current]  # found out later
    rollout.targets.filter(pk__in=runs).update(state=BoardState.DONE, message="")
    done = rollout.targets.filter(state=BoardState.DONE)
    try:
        with transaction.atomic():
            done.update(live=True)
    except IntegrityError:
        raise IllegalTransition(_taken([row.device for row in done.select_related("device")])) from None
    _cancel_queued(rollout, user)


def _cancel_queued(rollout: Rollout, user) -> None:
    for target in rollout.targets.filter(deployment__job__status=Status.QUEUED).select_related(
        "deployment__job"
    ):
        jobs.cancel(target.deployment.job, by=user.get_username())


@transaction.atomic
def _change(rollout: Rollout, user, verb: str, allowed: Sequence[str], status: str) -> None:
    """Compare and set. Raises IllegalTransition."""
    rows = Rollout.objects.filter(pk=rollout.pk, status__in=allowed)
    if not rows.update(status=status):
        rollout.refresh_from_db(fields=["status"])
        raise IllegalTransition(
            msg(
                "{name} is in the state “{state}”, which does not allow this.",
                name=rollout.name,
                state=RolloutStatus(rollout.status).word,
            )
        )
    rollout.status = status
    audit.record(f"rollout.{verb}", rollout, actor=user)
    transaction.on_commit(lambda: engine.advance(rollout.pk))


# --- groups -----------------------------------------------------------------------------------


@transaction.atomic
def put_group(team, user, *, name: str, devices: Sequence[Device], time_zone: str = "") -> tuple[Group, bool]:
    """Make or replace the group with this name; return it, and whether it is new. Raises RolloutError."""
    if time_zone and time_zone not in available_timezones():
        sentence = msg("There is no time zone {name}: write it like Asia/Shanghai.", name=time_zone[:60])
        raise RolloutError({"time_zone": sentence})
    group, made = Group.objects.update_or_create(
        team=team,
        name=name,
        defaults={"time_zone": time_zone},
        create_defaults={"time_zone": time_zone, "created_by": user},
    )
    group.devices.set(devices)
    audit.record("group.set", group, actor=user, detail=msg("devices: {count}", count=len(devices)))
    return group, made


@transaction.atomic
def remove_group(group: Group, user) -> None:
    """Its devices stay as they are."""
    audit.record("group.remove", group, actor=user)
    group.delete()
