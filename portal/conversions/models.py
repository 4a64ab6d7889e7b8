"""Compiled models: one ``.rknn`` for one chip, with what it lost and what it costs."""

from django.db import models

from portal.jobs.models import Job
from portal.runs.models import Run


class CompiledModel(models.Model):
    """A ``.rknn``; its files are its job's artifacts. ``job`` is empty until training is done."""

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="compiled_models")
    job = models.OneToOneField(Job, on_delete=models.PROTECT, null=True, related_name="compiled_model")
    chip = models.CharField(max_length=20)
    channel_order = models.CharField(max_length=3, default="rgb")
    facts = models.JSONField(default=dict)  # the convert program's result

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["run", "chip", "channel_order"], name="one_compiled_per_chip")
        ]

    def __str__(self):
        return f"{self.run.name} for {self.chip}"

    @property
    def parity(self) -> dict:
        """{"images", "onnx_top1", "int8_top1", "drop", "agreement", …}; empty until it was measured."""
        return self.facts.get("parity", {})

    @property
    def cost(self) -> dict:
        return self.facts.get("cost", {})
