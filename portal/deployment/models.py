"""Deployments: putting a compiled model on a device and making it current."""

from django.db import models

from portal.devices.models import Device
from portal.jobs.models import Job
from portal.models.models import CompiledModel


class DeploymentQuerySet(models.QuerySet):
    def for_team(self, team):
        return self.filter(device__team=team)

    def newest(self):
        """The latest attempt to deploy one compiled model to one device."""
        same = {name: models.OuterRef(name) for name in ("compiled_model", "device")}
        later = Deployment.objects.filter(**same, pk__gt=models.OuterRef("pk"))
        return self.filter(~models.Exists(later))


class Deployment(models.Model):
    """One attempt to put a compiled model on a device; never overwritten.

    A retry or a repetition is a new row. A device runs the attempt that became current last: see
    ``running.py``, the only writer of ``release``, ``placed``, ``activated_at``. The job's Evaluation holds
    what it measured there.
    """

    compiled_model = models.ForeignKey(CompiledModel, on_delete=models.CASCADE, related_name="deployments")
    device = models.ForeignKey(Device, on_delete=models.CASCADE, related_name="deployments")
    job = models.OneToOneField(Job, on_delete=models.PROTECT, related_name="deployment")
    board_images = models.PositiveIntegerField(default=400)  # images to measure at most; 0 for none
    # Written before anything changes on the board, so that its later report can be interpreted: {"release",
    # "path", "model_sha256", "manifest_sha256"}
    intended = models.JSONField(default=dict)
    release = models.CharField(max_length=80, blank=True)  # the folder's name on the board, once current
    # What is on the board, as verified there: {"path", "model_sha256", "manifest_sha256"}
    placed = models.JSONField(default=dict)
    engine = models.CharField(max_length=120, blank=True)  # the inference engine, as the board reports it
    activated_at = models.DateTimeField(null=True)

    objects = DeploymentQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["device", "-activated_at"]),
            models.Index(fields=["compiled_model", "device", "-id"], name="deployment_attempts"),
        ]

    @property
    def is_current(self) -> bool:
        """Whether its device, when last checked, reported this release as current."""
        return bool(self.release) and self.device.current_release == self.release

    def __str__(self):
        return f"{self.compiled_model.model.name} on {self.device.name}"
