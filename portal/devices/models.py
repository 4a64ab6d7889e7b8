"""Registered boards and what they answered."""

from django.db import models, transaction
from django.utils.translation import gettext_lazy as _

from portal.core import configs
from portal.core.messages import KEEPS_MESSAGES, MessageField
from portal.core.names import NameField
from portal.jobs.models import FINAL, Job
from portal.teams.models import Owned, OwnedQuerySet, Team, User
from workers.contract.messages import msg


class DeviceQuerySet(OwnedQuerySet):
    def claim(self, pk: int, job: Job) -> bool:
        """Make ``job`` the one of its team that talks to the board; False when another live job does.

        Two rows of a team with one address are one board. Other teams do not count: whoever enters an address
        need not be able to sign in there, and could keep the board from its owner for as long as a job hangs.
        What deployments of two teams to one board must not do at once, they lock on the board itself.
        """
        with transaction.atomic():
            device = self.get(pk=pk)
            same = self.select_for_update().filter(
                team=device.team_id, host__iexact=device.host, port=device.port
            )
            holders = {row.busy_with_id for row in same.order_by("pk")} - {None, job.pk}
            if Job.objects.filter(pk__in=holders).exclude(status__in=FINAL).exists():
                return False
            self.filter(pk=pk).update(busy_with=job)
            return True


class Device(Owned):
    """A board: where it is, the host key it must show, how to sign in, what it said of itself."""

    name = NameField(max_length=80)
    profile = models.CharField(max_length=60)
    host = NameField(max_length=255)
    port = models.PositiveIntegerField(default=22)
    username = NameField(max_length=64, default="root")
    secret = models.TextField(blank=True)  # encrypted: {"password"} or {"private_key", "passphrase"}
    auth = models.CharField(
        max_length=10, choices=[("password", _("Password")), ("key", _("Private key"))], default="password"
    )
    host_key = models.CharField(max_length=120)  # type and SHA256 fingerprint, pinned at registration
    busy_with = models.ForeignKey(Job, on_delete=models.SET_NULL, null=True, related_name="+")
    probe = models.JSONField(default=dict, **KEEPS_MESSAGES)
    probe_job = models.ForeignKey(Job, on_delete=models.SET_NULL, null=True, related_name="probed_devices")
    seen_at = models.DateTimeField(null=True)
    checked_at = models.DateTimeField(null=True)  # when it was last looked whether it answers
    lost_at = models.DateTimeField(null=True)  # since when it does not, after it did
    problem = MessageField(blank=True)  # why the last contact failed; empty when it went well
    # What the board itself said is current ("" for nothing), and when. Written by devices/running.py only.
    reported_release = models.CharField(max_length=100, blank=True)
    reported_at = models.DateTimeField(null=True)

    objects = DeviceQuerySet.as_manager()

    class Meta:
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["team", "name"], name="device_name_in_team")]

    def __str__(self):
        return self.name

    @property
    def resource(self) -> str:
        """What no two jobs may talk to at once: the board's address, however many rows have it."""
        return msg("board {host}:{port}", host=self.host.lower(), port=self.port)

    @property
    def board_profile(self) -> configs.BoardProfile:
        """What is known of its kind of board. Raises Removed."""
        return configs.boards()[self.profile]

    @property
    def is_virtual(self) -> bool:
        return self.profile == "virtual"

    @property
    def current_release(self) -> str | None:
        """The release that the board said it runs when it was last asked; None for none or never asked."""
        if self.reported_at is None:
            return self.probe.get("current")
        return self.reported_release or None


class InferenceQuerySet(OwnedQuerySet):
    def asked(self):
        """Those whose images arrived whole; the others are being sent, or were interrupted."""
        return self.exclude(job=None)


class Inference(models.Model):
    """Images that a person sent to a device, and its answers."""

    device = models.ForeignKey(Device, on_delete=models.CASCADE, related_name="inferences")
    team = models.ForeignKey(Team, on_delete=models.PROTECT, related_name="+")
    job = models.OneToOneField(Job, on_delete=models.PROTECT, null=True, related_name="inference")
    created_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    engine = models.CharField(max_length=120, blank=True)
    # The release that the board said it answers with; ``devices.releases`` tells whether it is known.
    release = models.CharField(max_length=100, blank=True)
    task = models.CharField(max_length=20, blank=True)  # of the release; empty until the board has answered

    objects = InferenceQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]


class InferenceImage(models.Model):
    """One image of an inference. ``prediction`` is empty until the board has answered; see ``Task.kept``."""

    inference = models.ForeignKey(Inference, on_delete=models.CASCADE, related_name="images")
    position = models.PositiveSmallIntegerField()
    name = NameField(max_length=255)  # as the person's file was called
    file = models.FileField(max_length=300)  # as it came; from its job on, just as the board got it
    note = MessageField(blank=True)
    width = models.PositiveIntegerField(null=True)  # pixels, as the board got it
    height = models.PositiveIntegerField(null=True)
    prediction = models.JSONField(default=dict)
    # Not used any more: they stand in ``prediction``, and go with the release after the next.
    label_id = models.IntegerField(null=True)
    label = models.CharField(max_length=255, blank=True)
    score = models.FloatField(null=True)
    milliseconds = models.FloatField(null=True)  # on the board, resizing included
    error = MessageField(blank=True)
    bytes = models.PositiveBigIntegerField(default=0)  # of the file, for the team's quota

    class Meta:
        ordering = ["position"]
