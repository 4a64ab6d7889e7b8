"""The one place that decides what a rollout does next."""

from __future__ import annotations

import math
from datetime import timedelta
from functools import cached_property

from django.conf import settings
from django.db import transaction
from django.db.models import Count, Q
from django.utils import timezone

from portal.deployment import services as deployment
from portal.deployment.gate import GateRefused
from portal.deployment.models import Deployment
from portal.deployment.running import current_deployment
from portal.jobs import services as jobs
from portal.jobs import sites
from portal.jobs.models import IllegalTransition, Job, Status
from portal.notify import services as notify
from portal.rollouts.models import LIVE, BoardState, Rollout, RolloutStatus, Target
from portal.rollouts.windows import is_open
from portal.teams.quotas import QuotaReached
from workers.contract.messages import Message, msg, msg_n

AGAIN = timedelta(minutes=2)  # until a board that is away is tried again
ROUNDING = 1e-9  # 0.29 of 100 boards are 29, not 28
OPEN = (BoardState.PENDING, BoardState.DEPLOYING, BoardState.UNDOING)
BUSY = (BoardState.DEPLOYING, BoardState.UNDOING)
SETTLED = (BoardState.SKIPPED, BoardState.UNDONE)


def advance(rollout_id: int) -> None:
    """Note what has ended, start what may start, move to the next wave. Safe to call at any time."""
    with transaction.atomic():
        rollout = Rollout.objects.select_for_update(of=("self",)).get(pk=rollout_id)
        if rollout.is_final and rollout.status != RolloutStatus.ABORTED:
            return
        _Round(rollout).run()


def after_job(job: Job) -> None:
    """Called when any job is final: continue the rollout to which its deployment belongs."""
    if job.kind != deployment.KIND:
        return
    for pk in set(Target.objects.filter(deployment__job=job).values_list("rollout", flat=True)):
        advance(pk)


def after_retry(old: Job, new: Job) -> None:
    """A retried deployment is the target's deployment from now on."""
    target = Target.objects.filter(deployment__job=old, live=True).first()
    if target is not None:
        target.deployment = new.deployment
        back = new.deployment.compiled_model_id != target.compiled_model_id
        target.state, target.message = BoardState.UNDOING if back else BoardState.DEPLOYING, ""
        target.save(update_fields=["deployment", "state", "message"])


def sweep() -> None:
    """Continue every rollout that is not final: windows open, pauses end, boards come back."""
    busy = Target.objects.filter(state__in=BUSY).values("rollout")
    for pk in Rollout.objects.filter(Q(status__in=LIVE) | Q(pk__in=busy)).values_list("pk", flat=True):
        advance(pk)


class _Round:
    """One pass over a locked rollout. What it reads does not grow with the number of its boards."""

    def __init__(self, rollout: Rollout):
        self.rollout, self.now = rollout, timezone.now()

    def run(self) -> None:
        for target in self.load(state__in=BUSY):
            self.note_end(target)
        if self.rollout.status == RolloutStatus.RUNNING:
            self.move_on()
        elif self.rollout.status == RolloutStatus.UNDOING:
            self.undo_more()

    def load(self, **wanted) -> list[Target]:
        rows = self.rollout.targets.filter(**wanted).select_related(
            "device__team", "deployment__job", "compiled_model__model", "before__compiled_model__model"
        )
        return list(rows.prefetch_related("device__groups"))

    def count(self, **wanted) -> int:
        return self.rollout.targets.filter(**wanted).count()

    @property
    def room(self) -> int:
        return max(0, self.rollout.at_once - self.count(state__in=BUSY))

    # --- what has ended

    def note_end(self, target: Target) -> None:
        job = target.deployment.job if target.deployment else None
        if job is not None and job.is_active:
            if job.status == Status.QUEUED:
                self.call_off_unserved(target, job)
            return
        if job is not None and job.status == Status.SUCCEEDED:
            self.set(target, BoardState.UNDONE if target.state == BoardState.UNDOING else BoardState.DONE)
        elif self.is_away(target):
            self.put_off(target, target.device.problem)
        elif target.state == BoardState.DEPLOYING and job is not None and self.was_called_off(job):
            self.set(target, BoardState.SKIPPED, job.message)
        else:
            self.set(target, BoardState.FAILED, job.message if job else msg("The deployment is gone."))

    def was_called_off(self, job: Job) -> bool:
        """It never began, because the rollout was aborted or undone: that is no failure."""
        ended = self.rollout.status in (RolloutStatus.ABORTED, RolloutStatus.UNDOING)
        return ended and job.status == Status.CANCELLED and job.started_at is None

    def is_away(self, target: Target) -> bool:
        """The board no longer answers: that is no failure of the model."""
        lost = target.device.lost_at is not None and self.now < self.rollout.deadline
        return lost and not self.rollout.is_final

    def call_off_unserved(self, target: Target, job: Job) -> None:
        """Nobody at the board's site takes its deployment: let other boards have its place meanwhile."""
        if sentence := self.site_problem(target):
            self.put_off(target, sentence)
            jobs.cancel(job, by=msg("the rollout"))  # which looks at the rollout again

    def site_problem(self, target: Target) -> str:
        queue = sites.queue_at("deploy", target.device.site)
        return sites.sentence(queue) if target.device.site and queue not in self.served else ""

    @cached_property
    def served(self) -> set[str]:
        return sites.served()

    def put_off(self, target: Target, message: Message | str) -> None:
        target.again_at = self.now + AGAIN
        self.set(target, BoardState.AWAY, message)

    def set(self, target: Target, state: str, message: Message | str = "") -> None:
        target.state, target.message = state, message
        target.live = not self.rollout.is_final and state not in SETTLED
        target.save(
            update_fields=["state", "message", "live", "again_at", "deployment", "accepted", "before"]
        )

    # --- forward

    def move_on(self) -> None:
        if self.rollout.model.deleted_at is not None:
            return self.become(RolloutStatus.HALTED, DELETED, "rollout.halted")
        if self.halted():
            return None
        if self.rollout.resumes_at and self.rollout.resumes_at > self.now:
            return None
        if self.now >= self.rollout.deadline:
            self.give_up_on_the_away()
        self.start_more()
        if self.halted() or self.count(wave=self.rollout.wave, state__in=OPEN) or self.is_unproven():
            return None
        later = self.rollout.targets.filter(wave__gt=self.rollout.wave).exclude(state__in=SETTLED)
        # Devices may have been removed: a wave without boards neither waits nor needs approval.
        following = later.order_by("wave").values_list("wave", flat=True).first()
        return self.next_wave(following) if following else self.finish()

    def halted(self) -> bool:
        """Halt if more boards of a wave failed than may fail; boards of earlier waves may be back late."""
        targets = self.rollout.targets.filter(wave__lte=self.rollout.wave).exclude(state=BoardState.SKIPPED)
        failed = Count("pk", filter=Q(state=BoardState.FAILED, accepted=False))
        for wave in targets.order_by("wave").values("wave").annotate(count=Count("pk"), failed=failed):
            allowed = allowed_of(self.rollout.may_fail, wave["count"])
            if wave["failed"] > allowed:
                self.become(RolloutStatus.HALTED, _too_many(allowed=allowed, **wave), "rollout.halted")
                return True
        return False

    def is_unproven(self) -> bool:
        """No board of the wave runs the model, and some are away: the next wave would be the first test."""
        rollout = self.rollout
        waits = rollout.wave < rollout.waves and self.is_untested() and self.count(
            wave=rollout.wave, state=BoardState.AWAY
        )  # fmt: skip
        message = _waits(rollout.wave) if waits else ""
        if rollout.message != message:
            rollout.message = message
            rollout.save(update_fields=["message"])
        return bool(waits)

    def is_untested(self) -> bool:
        return not self.count(wave=self.rollout.wave, state=BoardState.DONE)

    def give_up_on_the_away(self) -> None:
        """Being away halts nothing, unless a wave would follow one of which no board ran the model."""
        rollout = self.rollout
        untested = rollout.wave < rollout.waves and self.is_untested()
        for target in self.load(state=BoardState.AWAY):
            target.accepted = not (untested and target.wave == rollout.wave)
            self.set(target, BoardState.FAILED, msg("It was away until the rollout's deadline."))

    def start_more(self) -> None:
        room, tried = self.room, set()
        # Those that are left alone make room for the next ones; those that failed may halt the rollout first.
        while room > 0 and (targets := self.candidates(room, tried)):
            for target in targets:
                tried.add(target.pk)
                if room > 0 and is_open(self.rollout, target, self.now):
                    try:
                        room -= self.start(target)
                    except QuotaReached:
                        return
            states = {target.state for target in targets}
            if BoardState.FAILED in states or BoardState.SKIPPED not in states:
                return

    def candidates(self, room: int, tried: set[int]) -> list[Target]:
        """Boards that are due; all of them with a window, which may be closed for the first ones."""
        due = Q(state=BoardState.PENDING) | Q(state=BoardState.AWAY, again_at__lte=self.now)
        rows = self.rollout.targets.filter(due, wave__lte=self.rollout.wave).exclude(pk__in=tried)
        ids = rows.values_list("pk", flat=True)
        return self.load(pk__in=list(ids if self.rollout.opens else ids[:room]))

    def start(self, target: Target) -> bool:
        """Queue its deployment; False if that had to be left out. Raises QuotaReached."""
        rollout = self.rollout
        if target.compiled_model is None:
            self.set(target, BoardState.FAILED, msg("The model was removed."))
            return False
        if sentence := self.site_problem(target):
            self.put_off(target, sentence)
            return False
        if why := _changed_since(target):
            self.set(target, BoardState.SKIPPED, why)
            return False
        try:
            target.deployment = deployment.start(
                target.compiled_model,
                target.device,
                rollout.created_by,
                board_images=rollout.board_images,
                override=rollout.override,
            )
        except GateRefused as error:  # the policy became stricter
            self.set(target, BoardState.FAILED, str(error))
        except IllegalTransition as error:  # somebody else deploys it there just now
            self.set(target, BoardState.PENDING, str(error))
        else:
            self.set(target, BoardState.DEPLOYING)
        return target.state == BoardState.DEPLOYING

    def next_wave(self, number: int) -> None:
        rollout = self.rollout
        rollout.wave = number
        if rollout.pause_minutes:
            rollout.resumes_at = self.now + timedelta(minutes=rollout.pause_minutes)
        rollout.save(update_fields=["wave", "resumes_at"])
        if rollout.needs_approval:
            return self.become(RolloutStatus.WAITING, "", "rollout.waiting")
        return self.move_on()

    def finish(self) -> None:
        if not self.count(state=BoardState.AWAY):
            self.become(RolloutStatus.SUCCEEDED, "", "rollout.finished")

    def become(self, status: str, message: Message | str = "", event: str = "") -> None:
        rollout = self.rollout
        rollout.status, rollout.message = status, message
        if rollout.is_final:
            rollout.finished_at = self.now
            release(rollout)
        rollout.save(update_fields=["status", "message", "finished_at"])
        if event:
            notify.emit(event, rollout.team, rollout)

    # --- back

    def undo_more(self) -> None:
        if self.now >= self.rollout.deadline:
            self.give_up_on_the_away()
        room = self.room
        for target in self.load(pk__in=list(self.to_undo()[:room])) if room else ():
            try:
                self.undo(target)
            except QuotaReached:
                return
        if not self.count(state__in=(*BUSY, BoardState.DONE, BoardState.AWAY)):
            self.become(RolloutStatus.UNDONE, "", "rollout.finished")

    def to_undo(self):
        due = Q(state=BoardState.DONE) | Q(state=BoardState.AWAY, again_at__lte=self.now)
        return self.rollout.targets.filter(due).values_list("pk", flat=True)

    def undo(self, target: Target) -> None:
        """Queue the way back to what the board ran before, if it runs the rollout's model still. Raises
        QuotaReached.
        """
        if sentence := self.site_problem(target):
            self.put_off(target, sentence)
        elif target.state == BoardState.AWAY and settings.DEVICE_CHECK_MINUTES and not _has_reported(target):
            self.put_off(target, target.message)
        elif not _runs_it(target):
            back = target.before is not None and target.before.is_current
            self.set(target, *([BoardState.UNDONE] if back else [BoardState.SKIPPED, ANOTHER]))
        elif target.before is None:
            self.set(target, BoardState.FAILED, msg("Nothing that Slipway deployed ran there before."))
        else:
            self.go_back(target, target.before)

    def go_back(self, target: Target, before: Deployment) -> None:
        try:
            target.deployment = _back(before, target, self.rollout)
            self.set(target, BoardState.UNDOING)
        except IllegalTransition as error:
            self.set(target, BoardState.FAILED, str(error))


ANOTHER = msg("It runs another release by now.")
DELETED = msg("The run of this model was deleted: restore it, then resume the rollout.")


def _changed_since(target: Target) -> Message | str:
    """Why it is left alone, because of what was deployed to it since the rollout was planned. An undo brings
    back what runs there now.
    """
    now, before = current_deployment(target.device), target.before
    if now is None and before is not None and target.device.current_release:
        return msg("It runs a release that Slipway does not know.")
    if now is None or now == before:
        return ""
    if now.compiled_model_id == target.compiled_model_id:  # by its own attempt, if there was one
        return "" if target.deployment else msg("It runs this model already.")
    mine, other = (
        one.model.dataset_version.dataset_id for one in (target.compiled_model, now.compiled_model)
    )
    if mine != other:
        return msg("It runs a model of another dataset: {name}.", name=now.compiled_model.model.name)
    target.before = now
    return ""


def _has_reported(target: Target) -> bool:
    """Whether the board has said what it runs since the deployment that it did not finish."""
    job = target.deployment.job if target.deployment else None
    asked = target.device.reported_at
    return job is None or job.finished_at is None or (asked is not None and asked > job.finished_at)


def _runs_it(target: Target) -> bool:
    if target.deployment is None:
        return False
    if target.deployment.compiled_model_id == target.compiled_model_id:
        return target.deployment.is_current
    now = current_deployment(target.device)  # its last deployment was one on the way back
    return now is not None and now.compiled_model_id == target.compiled_model_id


def allowed_of(share: float, count: int) -> int:
    """How many of so many boards may fail."""
    return math.floor(share * count + ROUNDING)


def _too_many(*, wave: int, count: int, failed: int, allowed: int) -> Message:
    return msg_n(
        "{failed} of {count} board of wave {wave} failed; {allowed} may fail. Check why each one failed, "
        "then resume the rollout for the other boards, or undo it.",
        "{failed} of {count} boards of wave {wave} failed; {allowed} may fail. Check why each one failed, "
        "then resume the rollout for the other boards, or undo it.",
        count,
        failed=failed,
        wave=wave,
        allowed=allowed,
    )


def _waits(wave: int) -> Message:
    return msg(
        "No board of wave {wave} has answered yet: the next wave begins once one of them runs the model. To "
        "go on without them, abort this rollout and start one without them.",
        wave=wave,
    )


def _back(before: Deployment, target: Target, rollout: Rollout) -> Deployment:
    """To the release if the board still has it, else by deploying its model again."""
    before.device = target.device
    if before.is_kept and not before.is_current:
        return deployment.roll_back(before, rollout.created_by)
    reason = msg("Undo of the rollout {name}", name=rollout.name)
    return deployment.start(
        before.compiled_model, target.device, rollout.created_by, board_images=0, override=str(reason)
    )


def release(rollout: Rollout) -> None:
    """Its devices are free for other rollouts, except those that it still changes."""
    rollout.targets.exclude(state__in=BUSY).update(live=False)
