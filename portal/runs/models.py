"""Runs: the whole plan for one dataset version, as a graph of steps."""

from __future__ import annotations

from django.db import models
from django.urls import reverse

from portal.core.messages import MessageField
from portal.core.names import NameField
from portal.core.tags import TAG_LENGTH
from portal.datasets.models import LONG_COLUMNS, DatasetVersion
from portal.devices.models import Device
from portal.jobs.models import HasStatus, Job, Status
from portal.models.models import CompiledModel, Evaluation, Model
from portal.tasks import Stage
from portal.teams.models import Owned, OwnedQuerySet, Team
from workers.contract.messages import msg


class Tag(models.Model):
    """A word by which a team finds its runs. It is removed with its last run."""

    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="+")
    name = NameField(max_length=TAG_LENGTH)

    objects = OwnedQuerySet.as_manager()

    class Meta:
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["team", "name"], name="tag_name_in_team")]

    def __str__(self):
        return self.name


class RunQuerySet(OwnedQuerySet):
    def live(self):
        """Without deleted ones."""
        return self.filter(deleted_at=None)

    def for_lists(self):
        """With the dataset's name, the person and ``value``, and without the large columns.

        ``value`` is the metric of the model before it is compiled, 0 to 1; None until measured.
        """
        long = [f"dataset_version__{name}" for name in LONG_COLUMNS]
        rows = self.select_related("created_by", "dataset_version__dataset").defer(*long)
        stages = (Stage.PADDLE, Stage.ONNX)  # an imported model has the second only
        measured = Evaluation.objects.filter(stage__in=stages, job__step__run=models.OuterRef("pk"))
        return rows.annotate(value=models.Subquery(measured.order_by("-stage", "-id").values("value")[:1]))


class Run(HasStatus, Owned):
    """The plan for one dataset version: its steps form a graph, and jobs execute them.

    ``status`` summarizes the steps, so that lists can filter by it; only ``runs/pipeline.py`` writes it.
    """

    name = NameField(max_length=120)
    notes = models.TextField(blank=True)  # plain text, by anyone
    tags = models.ManyToManyField(Tag, related_name="runs")
    task = models.CharField(max_length=20)
    dataset_version = models.ForeignKey(DatasetVersion, on_delete=models.PROTECT, related_name="runs")
    preset = models.CharField(max_length=30, blank=True)
    recipe = models.CharField(max_length=60)
    # epochs, batch_size, learning_rate, seed, calibration_images, board_images, max_drop, fail_under,
    # input_size, augmentation, pretrained: see runs/plan.py
    params = models.JSONField(default=dict)
    status = models.CharField(max_length=10, choices=Status, default=Status.QUEUED, db_index=True)
    message = MessageField(blank=True)
    cancelled_by = models.ForeignKey("teams.User", on_delete=models.SET_NULL, null=True, related_name="+")
    finished_at = models.DateTimeField(null=True)
    deleted_at = models.DateTimeField(null=True, db_index=True)
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

    def get_absolute_url(self) -> str:
        return reverse("run-detail", args=[self.pk])


class Step(models.Model):
    """One node of a run's graph. It starts once every step that it needs has succeeded.

    ``job`` is its current attempt, None until it is started; earlier ones are in ``attempts``.
    """

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="steps")
    kind = models.CharField(max_length=20)  # of runs/step_kinds.py
    position = models.PositiveSmallIntegerField()
    needs = models.ManyToManyField("self", symmetrical=False, related_name="needed_by")
    # Parameters of its kind, besides the results of the needed steps: chip, channel_order, quantization …
    inputs = models.JSONField(default=dict)
    device = models.ForeignKey(Device, on_delete=models.CASCADE, null=True, related_name="steps")
    job = models.OneToOneField(Job, on_delete=models.PROTECT, null=True, related_name="step")
    # Why it is withheld although everything that it needs is there; empty otherwise.
    withheld = MessageField(blank=True, default="", db_default="")

    class Meta:
        ordering = ["position"]
        constraints = [models.UniqueConstraint(fields=["run", "position"], name="one_step_a_position")]

    def __str__(self):
        return msg("{kind} of {run}", kind=self.kind, run=self.run)

    @property
    def status(self) -> str | None:
        """The status of the current attempt; None before the first."""
        return self.job.status if self.job else None


class Attempt(models.Model):
    """One job that executed, or executes, a step."""

    step = models.ForeignKey(Step, on_delete=models.CASCADE, related_name="attempts")
    job = models.OneToOneField(Job, on_delete=models.CASCADE, related_name="attempt_of")
    number = models.PositiveSmallIntegerField()

    class Meta:
        ordering = ["number"]
        constraints = [models.UniqueConstraint(fields=["step", "number"], name="one_attempt_a_number")]


class NewerModel(models.Model):
    """People were told that the device runs an older model than this one: see ``newer.py``."""

    device = models.ForeignKey(Device, on_delete=models.CASCADE, related_name="newer_models")
    model = models.ForeignKey(Model, on_delete=models.CASCADE, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["device", "model"], name="told_once_of_a_newer_model")]

    def __str__(self):
        return f"{self.model} > {self.device}"


class Baseline(models.Model):
    """The deployed model that a run's model for a chip is compared with: see ``baselines.py``.

    ``problem`` says why there is no job. ``figures`` is empty until the job has succeeded.
    """

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="baselines")
    chip = models.CharField(max_length=30)
    channel_order = models.CharField(max_length=3)
    # The deployed one; its names stay when it is removed.
    compiled_model = models.ForeignKey(CompiledModel, on_delete=models.SET_NULL, null=True, related_name="+")
    model_name = NameField(max_length=120, blank=True)
    device_name = NameField(max_length=80, blank=True)
    release = models.CharField(max_length=100, blank=True)
    job = models.OneToOneField(Job, on_delete=models.PROTECT, null=True, related_name="baseline")
    problem = MessageField(blank=True)
    figures = models.JSONField(default=dict)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["run", "chip", "channel_order"], name="one_baseline_a_chip")
        ]

    def __str__(self):
        return msg("{run} against {release}", run=self.run, release=self.release)
