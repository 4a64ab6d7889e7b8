"""Groups of devices, and rollouts that bring one model to many devices in waves."""

from __future__ import annotations

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from portal.core.counting import counted
from portal.core.messages import MessageField, word
from portal.core.names import NameField
from portal.deployment.models import Deployment
from portal.devices.models import Device
from portal.models.models import CompiledModel, Model
from portal.teams.models import Owned, OwnedQuerySet
from workers.contract.messages import Message


class Group(Owned):
    """Devices that belong together, such as those of a hall; a device may be in several groups."""

    name = NameField(max_length=80)
    devices = models.ManyToManyField(Device, related_name="groups")
    time_zone = models.CharField(max_length=60, blank=True)  # IANA name; empty for the server's

    class Meta:
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["team", "name"], name="group_name_in_team")]

    def __str__(self):
        return self.name


class RolloutStatus(models.TextChoices):
    """What a rollout does now."""

    RUNNING = "running", _("Running")
    WAITING = "waiting", _("Waiting for approval")
    PAUSED = "paused", _("Paused")
    HALTED = "halted", _("Halted")
    UNDOING = "undoing", _("Undoing")
    SUCCEEDED = "succeeded", _("Finished")
    ABORTED = "aborted", _("Aborted")
    UNDONE = "undone", _("Undone")

    @property
    def is_final(self) -> bool:
        return self in (self.SUCCEEDED, self.ABORTED, self.UNDONE)

    @property
    def word(self) -> Message:
        """The label within a message."""
        return word(self.label)


LIVE = [status for status in RolloutStatus if not status.is_final]


class RolloutQuerySet(OwnedQuerySet):
    def counted(self):
        """With the number of boards in each state: ``in_done``, ``in_failed`` …"""
        targets = Target.objects.filter(rollout=models.OuterRef("pk"))
        return self.annotate(
            **{
                f"in_{state.name.lower()}": counted(targets.filter(state=state), "rollout")
                for state in BoardState
            }
        )


class Rollout(Owned):
    """A model on its way to many devices. ``engine.py`` decides what happens next; ``services.py`` are the
    decisions of people.
    """

    name = NameField(max_length=120)
    model = models.ForeignKey(Model, on_delete=models.CASCADE, related_name="rollouts")
    status = models.CharField(max_length=10, choices=RolloutStatus, default=RolloutStatus.RUNNING)
    message = MessageField(blank=True)  # why it was halted
    waves = models.PositiveIntegerField()
    wave = models.PositiveIntegerField(default=1)  # the current one, from 1
    at_once = models.PositiveIntegerField(default=4, validators=[MinValueValidator(1), MaxValueValidator(50)])
    # The share of a wave's boards that may fail, 0 to 1; more halt the rollout.
    may_fail = models.FloatField(default=0.0, validators=[MinValueValidator(0), MaxValueValidator(1)])
    needs_approval = models.BooleanField(default=False)  # before each wave but the first
    pause_minutes = models.PositiveIntegerField(default=0)  # between waves
    resumes_at = models.DateTimeField(null=True)  # the end of the pause between waves
    opens = models.TimeField(null=True)  # the daily window in each board's time zone; null for any time
    closes = models.TimeField(null=True)
    deadline = models.DateTimeField()  # until then, boards that are away are tried again
    override = models.CharField(max_length=500, blank=True)  # the reason for an exception from the policy
    board_images = models.PositiveIntegerField(default=0)
    finished_at = models.DateTimeField(null=True)

    objects = RolloutQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]

    def __str__(self):
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("rollout-detail", args=[self.pk])

    @property
    def is_final(self) -> bool:
        return RolloutStatus(self.status).is_final


class BoardState(models.TextChoices):
    """The state of one device in a rollout."""

    PENDING = "waiting", _("Waiting")
    DEPLOYING = "running", _("Deploying")
    DONE = "succeeded", _("Runs the model")
    AWAY = "away", _("Away, tried again")
    FAILED = "failed", _("Failed")
    SKIPPED = "skipped", _("Left alone")
    UNDOING = "undoing", _("Going back")
    UNDONE = "rolled-back", _("Back to the earlier model")


class Target(models.Model):
    """One device of a rollout."""

    rollout = models.ForeignKey(Rollout, on_delete=models.CASCADE, related_name="targets")
    device = models.ForeignKey(Device, on_delete=models.CASCADE, related_name="rollout_targets")
    compiled_model = models.ForeignKey(CompiledModel, on_delete=models.SET_NULL, null=True, related_name="+")
    wave = models.PositiveIntegerField()
    state = models.CharField(max_length=12, choices=BoardState, default=BoardState.PENDING)
    message = MessageField(blank=True)
    accepted = models.BooleanField(default=False)  # a failure that people know of: it halts no more
    # True while its rollout may still change the device: one rollout at a time has a device.
    live = models.BooleanField(default=True)
    deployment = models.ForeignKey(Deployment, on_delete=models.SET_NULL, null=True, related_name="+")
    before = models.ForeignKey(Deployment, on_delete=models.SET_NULL, null=True, related_name="+")
    again_at = models.DateTimeField(null=True)  # when a board that is away is tried again
    # The team and the board's address: two devices of a team may be one board. Empty in older rows.
    board = models.CharField(max_length=300, blank=True, default="", db_default="")

    class Meta:
        ordering = ["wave", "id"]
        constraints = [
            models.UniqueConstraint(fields=["rollout", "device"], name="one_target_for_a_device"),
            models.UniqueConstraint(
                fields=["device"], condition=models.Q(live=True), name="one_live_rollout_for_a_device"
            ),
            models.UniqueConstraint(
                fields=["board"],
                condition=models.Q(live=True) & ~models.Q(board=""),
                name="one_live_rollout_for_a_board",
            ),
        ]

    def __str__(self):
        return f"{self.rollout} → {self.device}"


def board_of(device: Device) -> str:
    """What ``Target.board`` holds. With the team: nobody may keep another team from its own boards by
    registering their addresses.
    """
    address = f"{device.team_id} {device.host.lower()}:{device.port}"
    address += f" {device.jump_id}" if device.jump_id else ""
    return f"{address}@{device.site}" if device.site else address
