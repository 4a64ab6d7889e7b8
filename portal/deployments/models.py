"""The act of putting a compiled model on a device and making it current."""

from django.db import models

from portal.conversions.models import CompiledModel
from portal.devices.models import Device
from portal.jobs.models import Job
from portal.runs.models import Run


class Deployment(models.Model):
    """One compiled model on one device. ``job`` is empty until the conversion is done."""

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="deployments")
    compiled_model = models.ForeignKey(CompiledModel, on_delete=models.CASCADE, related_name="deployments")
    device = models.ForeignKey(Device, on_delete=models.CASCADE, related_name="deployments")
    job = models.OneToOneField(Job, on_delete=models.PROTECT, null=True, related_name="deployment")
    release = models.CharField(max_length=80, blank=True)  # the folder's name on the board
    # What lies on the board, as was verified there: {"path", "model_sha256", "manifest_sha256"}
    placed = models.JSONField(default=dict)
    engine = models.CharField(max_length=120, blank=True)  # what answered, as the board says
    # {"images", "board_top1", "agreement", "ms_median", "ms_p95", "flipped": […]}
    measured = models.JSONField(default=dict)
    activated_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["run", "compiled_model", "device"], name="one_deployment_each")
        ]
        indexes = [models.Index(fields=["device", "-activated_at"])]

    def __str__(self):
        return f"{self.run.name} on {self.device.name}"
