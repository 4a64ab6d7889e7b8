"""Datasets and their immutable versions."""

from django.db import models

from portal.jobs.models import Job, Status
from portal.teams.models import Owned, OwnedQuerySet, Team


class Dataset(Owned):
    name = models.CharField(max_length=120)

    class Meta:
        ordering = ["-id"]
        constraints = [models.UniqueConstraint(fields=["team", "name"], name="dataset_name_in_team")]

    def __str__(self):
        return self.name

    def newest(self) -> "DatasetVersion | None":
        return self.versions.select_related("job").first()


class DatasetVersion(models.Model):
    """What one upload held. Ready when its ingest job has succeeded; never changed after that."""

    dataset = models.ForeignKey(Dataset, on_delete=models.CASCADE, related_name="versions")
    team = models.ForeignKey(Team, on_delete=models.PROTECT, related_name="+")
    number = models.PositiveIntegerField()
    job = models.OneToOneField(Job, on_delete=models.PROTECT, null=True, related_name="dataset_version")
    upload = models.FileField(max_length=300)
    upload_name = models.CharField(max_length=255)
    options = models.JSONField(default=dict)  # val_fraction, seed, class_count, class_names
    archive = models.FileField(max_length=300, blank=True)  # dataset.tar, once ready
    content_hash = models.CharField(max_length=64, blank=True, db_index=True)
    class_names = models.JSONField(default=list)
    counts = models.JSONField(default=list)  # [{"name", "train", "val", "total"}]
    findings = models.JSONField(default=list)  # [{"level", "code", "message", "count", "examples"}]
    thumbs = models.JSONField(default=list)  # [{"file", "class_id", "original"}], names of artifacts
    layout = models.CharField(max_length=60, blank=True)
    split = models.CharField(max_length=20, blank=True)
    images = models.PositiveIntegerField(default=0)
    train_images = models.PositiveIntegerField(default=0)
    val_images = models.PositiveIntegerField(default=0)
    bytes = models.PositiveBigIntegerField(default=0)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = OwnedQuerySet.as_manager()

    class Meta:
        ordering = ["-number"]
        constraints = [models.UniqueConstraint(fields=["dataset", "number"], name="version_number")]

    def __str__(self):
        return f"{self.dataset.name} v{self.number}"

    @property
    def is_ready(self) -> bool:
        return self.job is not None and self.job.status == Status.SUCCEEDED

    @property
    def short_hash(self) -> str:
        return self.content_hash[:12]

    @property
    def blockers(self) -> list[str]:
        """Sentences of the findings that must be mended before anything is trained on this version."""
        return [finding["message"] for finding in self.findings if finding["level"] == "block"]
