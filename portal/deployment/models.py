"""The act of putting a compiled model on a device and making it current."""

from django.db import models

from portal.devices.models import Device
from portal.jobs.models import Job
from portal.models.models import CompiledModel


class DeploymentQuerySet(models.QuerySet):
    def for_team(self, team):
        return self.filter(device__team=team)

    def newest(self):
        """Of the attempts to put one compiled model on one device, the last one."""
        same = {name: models.OuterRef(name) for name in ("compiled_model", "device")}
        later = Deployment.objects.filter(**same, pk__gt=models.OuterRef("pk"))
        return self.filter(~models.Exists(later))


class Deployment(models.Model):
    """One attempt to put a compiled model on a device; never overwritten.

    A retry or a repetition is a row of its own. What runs on a device is the attempt that became current
    last: see ``running.py``, which is the only writer of ``release``, ``placed``, ``activated_at``. What it
    measured there is the job's Evaluation.
    """

    compiled_model = models.ForeignKey(CompiledModel, on_delete=models.CASCADE, related_name="deployments")
    device = models.ForeignKey(Device, on_delete=models.CASCADE, related_name="deployments")
    job = models.OneToOneField(Job, on_delete=models.PROTECT, related_name="deployment")
    board_images = models.PositiveIntegerField(default=400)  # to measure on the board at most; 0 for none
    # Written before anything changes on the board, so that what it says later can be understood:
    # {"release", "path", "model_sha256", "manifest_sha256"}
    intended = models.JSONField(default=dict)
    release = models.CharField(max_length=80, blank=True)  # the folder's name on the board, once current
    # What lies on the board, as was verified there: {"path", "model_sha256", "manifest_sha256"}
    placed = models.JSONField(default=dict)
    engine = models.CharField(max_length=120, blank=True)  # what answered, as the board says
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
        """Whether its device said, when it was last asked, that it runs this release."""
        return bool(self.release) and self.device.current_release == self.release

    def __str__(self):
        return f"{self.compiled_model.model.name} on {self.device.name}"
