"""Images from cameras, on their way to become a version of a dataset."""

from django.db import models
from django.db.models import Count, Q, Sum
from django.db.models.functions import Coalesce
from django.utils.translation import gettext_lazy as _

from portal.core.names import NameField
from portal.datasets.models import Dataset, DatasetVersion
from portal.devices.models import Device
from portal.jobs.models import Job
from portal.teams.models import Owned, OwnedQuerySet
from workers.contract.messages import msg


class CaptureState(models.TextChoices):
    OPEN = "open", _("Open")
    COMMITTED = "committed", _("Created a version")
    DISCARDED = "discarded", _("Discarded")


class CaptureDraftQuerySet(OwnedQuerySet):
    def with_counts(self):
        """For lists: with the number of images and their bytes."""
        return self.annotate(counted=Count("images"), counted_bytes=Coalesce(Sum("images__bytes"), 0))


class CaptureDraft(Owned):
    """One person's new images for a dataset, which need not exist yet."""

    dataset_name = NameField(max_length=120)
    task = models.CharField(max_length=20)
    state = models.CharField(max_length=10, choices=CaptureState, default=CaptureState.OPEN)
    version = models.OneToOneField(
        DatasetVersion, on_delete=models.SET_NULL, null=True, related_name="captured"
    )

    objects = CaptureDraftQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["team", "created_by", "dataset_name"],
                condition=Q(state="open"),
                name="one_open_capture_draft",
            )
        ]

    def __str__(self):
        return msg("images for {dataset}", dataset=self.dataset_name)

    @property
    def is_open(self) -> bool:
        return self.state == CaptureState.OPEN

    @property
    def dataset(self) -> Dataset | None:
        """The dataset that they are for, if it exists."""
        return Dataset.objects.for_team(self.team).live().filter(name=self.dataset_name).first()


class Capture(models.Model):
    """Images that a device takes by itself, in a job."""

    draft = models.ForeignKey(CaptureDraft, on_delete=models.CASCADE, related_name="captures")
    device = models.ForeignKey(Device, on_delete=models.CASCADE, related_name="captures")
    job = models.OneToOneField(Job, on_delete=models.PROTECT, related_name="capture")
    class_name = NameField(max_length=255, blank=True)
    count = models.PositiveIntegerField()
    every_ms = models.PositiveIntegerField()
    width = models.PositiveIntegerField()
    height = models.PositiveIntegerField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-id"]


class LiveView(models.Model):
    """A device's camera, read in a job for everybody who watches it."""

    device = models.ForeignKey(Device, on_delete=models.CASCADE, related_name="live_views")
    job = models.OneToOneField(Job, on_delete=models.PROTECT, related_name="live_view")

    class Meta:
        ordering = ["-id"]


class Origin(models.TextChoices):
    DEVICE = "device", _("a device")
    BROWSER = "browser", _("a browser")


class CapturedImage(models.Model):
    """One image. Its sender chose ``key``: the same image sent again is stored once."""

    draft = models.ForeignKey(CaptureDraft, on_delete=models.CASCADE, related_name="images")
    key = models.CharField(max_length=64)
    class_name = NameField(max_length=255, blank=True)  # empty: without a label
    file = models.FileField(max_length=300)
    bytes = models.PositiveBigIntegerField()
    width = models.PositiveIntegerField()
    height = models.PositiveIntegerField()
    origin = models.CharField(max_length=10, choices=Origin, default=Origin.BROWSER)
    # Of images whose origin is a device: as the portal itself received them.
    device = models.ForeignKey(Device, on_delete=models.SET_NULL, null=True, related_name="+")
    release = models.CharField(max_length=100, blank=True)
    taken_at = models.DateTimeField()

    class Meta:
        ordering = ["id"]
        constraints = [models.UniqueConstraint(fields=["draft", "key"], name="one_image_per_key")]
