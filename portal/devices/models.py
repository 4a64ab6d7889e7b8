"""Registered boards and their predictions."""

from django.db import models, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from portal.core import configs
from portal.core.messages import KEEPS_MESSAGES, MessageField
from portal.core.names import NameField
from portal.core.tags import TAG_LENGTH
from portal.jobs.models import FINAL, Job
from portal.teams.models import Owned, OwnedQuerySet, Team, User
from workers.contract.messages import msg


class DeviceQuerySet(OwnedQuerySet):
    def claim(self, pk: int, job: Job) -> bool:
        """Make ``job`` the only one of its team that talks to the board; False if another live job does.

        Two rows of a team with one address are one board. Other teams do not count: whoever enters an address
        need not be able to sign in there, and could lock out the board's owner for as long as a job hangs.
        Deployments of two teams to one board are serialized by the lock on the board itself.
        """
        with transaction.atomic():
            device = self.get(pk=pk)
            same = self.select_for_update().filter(
                team=device.team_id,
                host__iexact=device.host,
                port=device.port,
                jump=device.jump_id,
                site=device.site,
            )
            holders = {row.busy_with_id for row in same.order_by("pk")} - {None, job.pk}
            if Job.objects.filter(pk__in=holders).exclude(status__in=FINAL).exists():
                return False
            self.filter(pk=pk).update(busy_with=job)
            return True


class JumpHost(Owned):
    """A host through which devices are reached that the portal's server cannot reach itself."""

    name = NameField(max_length=80)
    host = NameField(max_length=255)
    port = models.PositiveIntegerField(default=22)
    username = NameField(max_length=64)
    secret = models.TextField()  # encrypted, like Device.secret
    auth = models.CharField(max_length=10)
    host_key = models.CharField(max_length=120)  # type and SHA256 fingerprint, pinned

    class Meta:
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["team", "name"], name="jump_host_name_in_team")]

    def __str__(self):
        return self.name


class DeviceTag(models.Model):
    """A word by which a team finds its devices. It is removed with its last device."""

    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="+")
    name = NameField(max_length=TAG_LENGTH)

    objects = OwnedQuerySet.as_manager()

    class Meta:
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["team", "name"], name="device_tag_in_team")]

    def __str__(self):
        return self.name


class Device(Owned):
    """A board: its address, pinned host key, credentials and reported details."""

    name = NameField(max_length=80)
    profile = models.CharField(max_length=60)
    host = NameField(max_length=255)
    port = models.PositiveIntegerField(default=22)
    username = NameField(max_length=64, default="root")
    jump = models.ForeignKey(JumpHost, on_delete=models.PROTECT, null=True, related_name="devices")
    secret = models.TextField(blank=True)  # encrypted: {"password"} or {"private_key", "passphrase"}
    auth = models.CharField(
        max_length=10, choices=[("password", _("Password")), ("key", _("Private key"))], default="password"
    )
    host_key = models.CharField(max_length=120)  # type and SHA256 fingerprint, pinned at registration
    busy_with = models.ForeignKey(Job, on_delete=models.SET_NULL, null=True, related_name="+")
    probe = models.JSONField(default=dict, **KEEPS_MESSAGES)
    probe_job = models.ForeignKey(Job, on_delete=models.SET_NULL, null=True, related_name="probed_devices")
    seen_at = models.DateTimeField(null=True)
    checked_at = models.DateTimeField(null=True)  # when its reachability was last checked
    lost_at = models.DateTimeField(null=True)  # since when it does not answer
    problem = MessageField(blank=True)  # why the last contact failed; empty if it succeeded
    # Whether the board refused the stored sign-in at the last attempt: checks do not try it again.
    refused = models.BooleanField(default=False, db_default=False)
    # The release that the board reported as current ("" for none), and when. Only devices/running.py writes
    # it.
    reported_release = models.CharField(max_length=100, blank=True)
    reported_at = models.DateTimeField(null=True)
    # Whether it still takes the password with which boards of its kind leave the factory; None if unknown.
    factory_password = models.BooleanField(null=True)
    # The place from where it is reached, see jobs/sites.py; empty for none.
    site = models.CharField(max_length=30, blank=True, default="", db_default="")
    tags = models.ManyToManyField(DeviceTag, related_name="devices")

    objects = DeviceQuerySet.as_manager()

    class Meta:
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["team", "name"], name="device_name_in_team")]

    def __str__(self):
        return self.name

    @property
    def resource(self) -> str:
        """The resource that only one job may use at a time: the board's address, which rows may share. Each
        site has its own addresses.
        """
        place = f"{self.host.lower()}:{self.port}" + (f" at {self.site}" if self.site else "")
        if self.jump_id is None:
            return msg("board {place}", place=place)
        return msg("board {place} behind jump host {jump}", place=place, jump=self.jump_id)

    @property
    def lane(self) -> dict[str, str]:
        """The fields of a job that talks to it."""
        return {"resource": self.resource, "site": self.site}

    @property
    def board_profile(self) -> configs.BoardProfile:
        """The profile of its kind of board. Raises Removed."""
        return configs.boards()[self.profile]

    @property
    def is_virtual(self) -> bool:
        return self.profile in configs.boards() and self.board_profile.virtual

    @property
    def current_release(self) -> str | None:
        """The release that the board last reported as current; None for none or never checked."""
        if self.reported_at is None:
            return self.probe.get("current")
        return self.reported_release or None


class AccessAction(models.TextChoices):
    """What a job changes about how a board is signed in to."""

    KEY = "install-key", _("New key")
    PASSWORD = "change-password", _("New password")
    UNDO = "undo", _("Undo")


class AccessChange(models.Model):
    """One change of how a board is signed in to. ``access.py`` makes it, and a job carries it out.

    ``secret`` holds the new credentials from before the board is changed until they replace the device's: if
    the job is killed in between, the next contact tries them too. ``previous`` holds the replaced ones.
    """

    device = models.ForeignKey(Device, on_delete=models.CASCADE, related_name="access_changes")
    job = models.OneToOneField(Job, on_delete=models.PROTECT, related_name="access_change")
    created_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    action = models.CharField(max_length=20, choices=AccessAction)
    undoes = models.ForeignKey("self", on_delete=models.CASCADE, null=True, related_name="+")
    public_key = models.CharField(max_length=200, blank=True)  # the line that was installed
    secret = models.TextField(blank=True)  # encrypted, like Device.secret
    previous = models.TextField(blank=True)  # encrypted, like Device.secret; empty if it cannot be undone
    done_at = models.DateTimeField(null=True)
    undone_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-id"]

    def __str__(self):
        return f"{self.device} {self.action}"


class HealthSample(models.Model):
    """What one check found on a board; null means unknown. ``health_history.py`` writes and removes them."""

    CLOCK_SECONDS = 300  # a clock further off is wrong

    device = models.ForeignKey(Device, on_delete=models.CASCADE, related_name="health")
    at = models.DateTimeField(default=timezone.now)
    reachable = models.BooleanField()
    release = models.CharField(max_length=100, blank=True)
    foreign = models.BooleanField(default=False)  # the release is none that the portal put there
    memory_free = models.BigIntegerField(null=True)  # bytes
    disk_free = models.BigIntegerField(null=True)  # bytes
    celsius = models.FloatField(null=True)
    load = models.FloatField(null=True)  # average over a minute
    uptime = models.BigIntegerField(null=True)  # seconds
    clock_offset = models.BigIntegerField(null=True)  # seconds that its clock is ahead

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["device", "at"], name="health_of_device"),
            models.Index(fields=["at"]),
        ]

    @property
    def clock_is_off(self) -> bool:
        return self.clock_offset is not None and abs(self.clock_offset) > self.CLOCK_SECONDS

    def __str__(self):
        return f"{self.device_id} {self.at}"


class InferenceQuerySet(OwnedQuerySet):
    def submitted(self):
        """Those with completely uploaded images; the others are in progress or were interrupted."""
        return self.exclude(job=None)


class Inference(models.Model):
    """Images that a person sent to a device, and its predictions."""

    device = models.ForeignKey(Device, on_delete=models.CASCADE, related_name="inferences")
    team = models.ForeignKey(Team, on_delete=models.PROTECT, related_name="+")
    job = models.OneToOneField(Job, on_delete=models.PROTECT, null=True, related_name="inference")
    created_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    engine = models.CharField(max_length=120, blank=True)
    # The release that the board reported for these predictions; ``devices.releases`` tells whether it is
    # known.
    release = models.CharField(max_length=100, blank=True)
    task = models.CharField(max_length=20, blank=True)  # of the release; empty until the board has responded

    objects = InferenceQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]


class InferenceImage(models.Model):
    """One image of an inference. ``prediction`` is empty until the board has responded; see ``Task.kept``."""

    inference = models.ForeignKey(Inference, on_delete=models.CASCADE, related_name="images")
    position = models.PositiveSmallIntegerField()
    name = NameField(max_length=255)  # the name of the person's file
    file = models.FileField(max_length=300)  # as uploaded; from its job on, exactly what the board gets
    note = MessageField(blank=True)
    width = models.PositiveIntegerField(null=True)  # pixels, as the board gets it
    height = models.PositiveIntegerField(null=True)
    prediction = models.JSONField(default=dict)
    # No longer used: their values are in ``prediction``. To be removed after the next release.
    label_id = models.IntegerField(null=True)
    label = models.CharField(max_length=255, blank=True)
    score = models.FloatField(null=True)
    milliseconds = models.FloatField(null=True)  # on the board, including resizing
    # See ``datakit.likeness``: above 1, it is unlike the model's training images; None if unknown.
    unlikeness = models.FloatField(null=True)
    error = MessageField(blank=True)
    bytes = models.PositiveBigIntegerField(default=0)  # of the file, for the team's quota

    class Meta:
        ordering = ["position"]

    @property
    def unlike(self) -> bool | None:
        """Whether it is unlike all of the model's training images; None if unknown."""
        return None if self.unlikeness is None else self.unlikeness > 1
