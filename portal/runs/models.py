"""A run: the whole plan for one dataset version, and the model that its training made."""

from django.db import models

from portal.core.names import NameField
from portal.datasets.models import LONG_COLUMNS, DatasetVersion
from portal.jobs.models import HasStatus, Job, Status
from portal.teams.models import Owned, OwnedQuerySet, Team

TAG_LENGTH = 40


class Tag(models.Model):
    """A word by which a team finds its runs. It goes with the last run that bears it."""

    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="+")
    name = NameField(max_length=TAG_LENGTH)

    objects = OwnedQuerySet.as_manager()

    class Meta:
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["team", "name"], name="tag_name_in_team")]

    def __str__(self):
        return self.name


class RunQuerySet(OwnedQuerySet):
    def for_lists(self):
        """With the data's name, the person and ``top1``, and without the long columns behind them."""
        long = [f"dataset_version__{name}" for name in LONG_COLUMNS]
        rows = self.select_related("created_by", "dataset_version__dataset").defer(*long)
        return rows.annotate(top1=models.F("trained_model__facts__metrics__top1"))


class Run(HasStatus, Owned):
    """Train → convert for each chip → deploy to each device. Its steps are jobs.

    ``status`` repeats what the steps say, so that lists can filter by it;
    ``runs/pipeline.py`` is the only writer.
    """

    name = NameField(max_length=120)
    notes = models.TextField(blank=True)  # plain text, by whoever has something to say
    tags = models.ManyToManyField(Tag, related_name="runs")
    dataset_version = models.ForeignKey(DatasetVersion, on_delete=models.PROTECT, related_name="runs")
    preset = models.CharField(max_length=30, blank=True)
    recipe = models.CharField(max_length=60)
    # epochs, batch_size, learning_rate, seed, calibration_images, board_images, input_size, augmentation,
    # pretrained: see runs/plan.py
    params = models.JSONField(default=dict)
    status = models.CharField(max_length=10, choices=Status, default=Status.QUEUED, db_index=True)
    message = models.TextField(blank=True)
    cancelled_by = models.ForeignKey("teams.User", on_delete=models.SET_NULL, null=True, related_name="+")
    finished_at = models.DateTimeField(null=True)
    cloned_from = models.ForeignKey("self", on_delete=models.SET_NULL, null=True, related_name="clones")

    objects = RunQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["team", "-created_at", "-id"]),
            models.Index(fields=["team", "status", "-id"]),
        ]

    def __str__(self):
        return self.name


class TrainedModel(models.Model):
    """What training made; its files are its job's artifacts."""

    run = models.OneToOneField(Run, on_delete=models.CASCADE, related_name="trained_model")
    job = models.OneToOneField(Job, on_delete=models.PROTECT, null=True, related_name="trained_model")
    # The train program's result: metrics, input_size, mean, std, cut_tensor, notices, versions.
    facts = models.JSONField(default=dict)

    @property
    def metrics(self) -> dict:
        return self.facts.get("metrics", {})

    @property
    def top1(self) -> float | None:
        return self.metrics.get("top1")
