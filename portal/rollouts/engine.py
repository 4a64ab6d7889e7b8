"""The one place that decides what a rollout does next."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import cached_property
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from portal.deployment import services as deployment
from portal.deployment.gate import GateRefused
from portal.deployment.models import Deployment
from portal.jobs import services as jobs
from portal.jobs import sites
from portal.jobs.models import IllegalTransition, Job, Status
from portal.notify import services as notify
from portal.rollouts.models import LIVE, BoardState, Rollout, RolloutStatus, Target
from portal.teams.quotas import QuotaReached
from workers.contract.messages import Message, msg, msg_n

AGAIN = timedelta(minutes=2)  # until a board that is away is tried again
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
        target.deployment = Deployment.objects.filter(job=new).first()
        target.state, target.message = BoardState.DEPLOYING, ""
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
            if target.state == BoardState.DEPLOYING and job.status == Status.QUEUED:
                self.call_off_unserved(target, job)
            return
        succeeded = job is not None and job.status == Status.SUCCEEDED
        message = job.message if job else msg("The deployment is gone.")
        if target.state == BoardState.UNDOING:
            self.set(
                target, BoardState.UNDONE if succeeded else BoardState.FAILED, "" if succeeded else message
            )
        elif succeeded:
            self.set(target, BoardState.DONE)
        elif self.is_away(target):
            self.put_off(target, target.device.problem)
        else:
            self.set(target, BoardState.FAILED, message)

    def is_away(self, target: Target) -> bool:
        """The board no longer answers: that is no failure of the model."""
        return target.device.lost_at is not None and self.now < self.rollout.deadline

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
        target.save(update_fields=["state", "message", "live", "again_at", "deployment", "accepted"])

    # --- forward

    def move_on(self) -> None:
        if self.halted():
            return None
        if self.rollout.resumes_at and self.rollout.resumes_at > self.now:
            return None
        if self.now >= self.rollout.deadline:
            self.give_up_on_the_away()
        self.start_more()
        if self.halted() or self.count(wave=self.rollout.wave, state__in=OPEN):
            return None
        return self.next_wave() if self.rollout.wave < self.rollout.waves else self.finish()

    def halted(self) -> bool:
        """Halt if more boards of the current wave failed than may fail."""
        rollout, wave = self.rollout, self.rollout.targets.filter(wave=self.rollout.wave)
        failed = wave.filter(state=BoardState.FAILED, accepted=False).count()
        count = wave.exclude(state=BoardState.SKIPPED).count() if failed else 0
        if failed <= rollout.may_fail * count:
            return False
        why = msg_n(
            "{failed} of {count} board of wave {wave} failed; {allowed} may fail.",
            "{failed} of {count} boards of wave {wave} failed; {allowed} may fail.",
            count,
            failed=failed,
            wave=rollout.wave,
            allowed=int(rollout.may_fail * count),
        )
        self.become(RolloutStatus.HALTED, why, "rollout.halted")
        return True

    def give_up_on_the_away(self) -> None:
        for target in self.load(state=BoardState.AWAY):
            target.accepted = True  # being away halts nothing
            self.set(target, BoardState.FAILED, msg("It was away until the rollout's deadline."))

    def start_more(self) -> None:
        room = self.room
        for target in self.candidates(room) if room else ():
            if room <= 0:
                return
            if is_open(self.rollout, target, self.now):
                try:
                    room -= self.start(target)
                except QuotaReached:
                    return

    def candidates(self, room: int) -> list[Target]:
        """Boards that are due; all of them with a window, which may be closed for the first ones."""
        due = Q(state=BoardState.PENDING) | Q(state=BoardState.AWAY, again_at__lte=self.now)
        ids = self.rollout.targets.filter(due, wave__lte=self.rollout.wave).values_list("pk", flat=True)
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

    def next_wave(self) -> None:
        rollout = self.rollout
        rollout.wave += 1
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
        room = self.room
        for target in self.load(pk__in=list(self.done()[:room])) if room else ():
            try:
                self.undo(target)
            except QuotaReached:
                return
        if not self.count(state__in=(*BUSY, BoardState.DONE)):
            self.become(RolloutStatus.UNDONE, "", "rollout.finished")

    def done(self):
        return self.rollout.targets.filter(state=BoardState.DONE).values_list("pk", flat=True)

    def undo(self, target: Target) -> None:
        """Queue the way back to what the board ran before, if it runs the rollout's model still. Raises
        QuotaReached.
        """
        if target.deployment is None or not target.deployment.is_current:
            self.set(target, BoardState.SKIPPED, msg("It runs another release by now."))
        elif target.before is None:
            self.set(target, BoardState.FAILED, msg("Nothing that Slipway deployed ran there before."))
        else:
            try:
                target.deployment = _back(target.before, target, self.rollout)
                self.set(target, BoardState.UNDOING)
            except IllegalTransition as error:
                self.set(target, BoardState.FAILED, str(error))


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


def is_open(rollout: Rollout, target: Target, now: datetime) -> bool:
    """Whether the rollout's window is open where the board is."""
    if rollout.opens is None or rollout.closes is None:
        return True
    time = now.astimezone(zone_of(target)).time()
    if rollout.opens <= rollout.closes:
        return rollout.opens <= time < rollout.closes
    return time >= rollout.opens or time < rollout.closes  # over midnight


def zone_of(target: Target) -> ZoneInfo:
    """The time zone of the device's first group that has one, else the server's."""
    names = (group.time_zone for group in target.device.groups.all())
    return ZoneInfo(next(filter(None, names), settings.TIME_ZONE))
