"""Models with their lineage, compiled models, and evaluations of both."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from portal import tasks
from portal.core import configs
from portal.core.messages import KEEPS_MESSAGES, word
from portal.datasets.draft_models import Draft
from portal.datasets.models import LONG_COLUMNS, DatasetVersion
from portal.devices.models import Device
from portal.jobs.models import Job, Status
from portal.models.model_files import PICODET, ModelFile
from portal.tasks import Stage
from portal.teams.models import Owned, OwnedQuerySet
from workers.contract.messages import Message, msg, msg_n
from workers.contract.splits import TEST
from workers.datakit import names
from workers.datakit.scoring.detection import SHOWN


class Origin(models.TextChoices):
    """How a model came to be."""

    TRAINED = "trained", _("Trained")
    PRUNED = "pruned", _("Pruned")
    DISTILLED = "distilled", _("Distilled")
    QUANTIZATION_AWARE = "qat", _("Quantization-aware training")
    CONTINUED = "continued", _("Trained further")
    IMPORTED = "imported", _("Imported")


def class_map(labels: list[str], dataset_classes: list[str]) -> list[int | None]:
    """The label for each class of a dataset, by name; None for a class that the labels lack."""
    known = {names.class_key(label): number for number, label in enumerate(labels)}
    return [known.get(names.class_key(name)) for name in dataset_classes]


class ModelQuerySet(OwnedQuerySet):
    def live(self):
        """Without those of deleted runs."""
        return self.filter(deleted_at=None)


class Model(Owned):
    """Weights with a lineage. The files are artifacts of the job that makes them."""

    name = models.CharField(max_length=120)
    origin = models.CharField(max_length=10, choices=Origin, default=Origin.TRAINED)
    task = models.CharField(max_length=20)
    recipe = models.CharField(max_length=60)
    params = models.JSONField(default=dict)  # training parameters: see runs/plan.py
    dataset_version = models.ForeignKey(DatasetVersion, on_delete=models.PROTECT, related_name="models")
    parent = models.ForeignKey("self", on_delete=models.SET_NULL, null=True, related_name="children")
    teacher = models.ForeignKey("self", on_delete=models.SET_NULL, null=True, related_name="students")
    # Further images, for which the teacher's predictions replace labels.
    unlabelled = models.ForeignKey(DatasetVersion, on_delete=models.PROTECT, null=True, related_name="+")
    job = models.OneToOneField(Job, on_delete=models.PROTECT, related_name="model")
    file = models.ForeignKey(ModelFile, on_delete=models.SET_NULL, null=True, related_name="models")
    # The classes of an imported model, in the order of its outputs; None if they are the dataset's.
    labels = models.JSONField(null=True)
    deleted_at = models.DateTimeField(null=True)  # hidden along with its run
    # Its program's output: input_size, mean, std, cut_tensor, best_epoch, notices, versions, …
    facts = models.JSONField(default=dict, **KEEPS_MESSAGES)
    # The display threshold of its boxes, 0 to 1; None is the default.
    score_threshold = models.FloatField(null=True)

    objects = ModelQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        indexes = [models.Index(fields=["team", "-id"])]

    def __str__(self):
        return self.name

    @property
    def is_ready(self) -> bool:
        return self.job.status == Status.SUCCEEDED

    @property
    def task_class(self) -> tasks.Task:
        return tasks.get(self.task)

    @property
    def class_names(self) -> list[str]:
        """Its classes, in the order of its outputs."""
        return self.dataset_version.class_names if self.labels is None else self.labels

    @property
    def class_map(self) -> list[int | None] | None:
        """Its class for each class of the dataset version, by name; None if it has the same classes."""
        if self.labels is None or self.labels == self.dataset_version.class_names:
            return None
        return class_map(self.labels, self.dataset_version.class_names)

    def runs_with(self, driver: str) -> bool:
        """Whether a board's library decodes its outputs: of detectors, the vendor's decodes PicoDet only."""
        return driver != "lockzhiner" or self.facts.get("detector") in (None, "", PICODET)

    @property
    def shown_from(self) -> float | None:
        """The display threshold of its boxes, or the default; None for a task without one."""
        if not self.task_class.has_threshold:
            return None
        return SHOWN if self.score_threshold is None else round(self.score_threshold, 4)


class Prelabelling(Owned):
    """A job in which a model proposes labels for the unlabelled images of a draft.

    ``classes`` maps each class of the model to the draft's class id, or to None if it is left out.
    """

    draft = models.ForeignKey(Draft, on_delete=models.CASCADE, related_name="prelabellings")
    model = models.ForeignKey(Model, on_delete=models.SET_NULL, null=True, related_name="prelabellings")
    job = models.OneToOneField(Job, on_delete=models.PROTECT, related_name="prelabelling")
    classes = models.JSONField(default=list)
    least_score = models.FloatField()
    images = models.PositiveIntegerField(null=True)  # images that the model predicted
    proposed = models.PositiveIntegerField(null=True)  # of these, images with a proposal

    class Meta:
        ordering = ["-id"]

    def __str__(self):
        return f"{self.draft} by {self.model}"


class CompiledModelQuerySet(models.QuerySet):
    def for_team(self, team):
        return self.filter(model__team=team)

    def live(self):
        return self.filter(model__deleted_at=None)

    def ready(self):
        return self.live().filter(job__status=Status.SUCCEEDED)

    def for_lists(self):
        """With the names that lists show, and without the large columns behind them."""
        long = [f"model__dataset_version__{name}" for name in LONG_COLUMNS]
        return (
            self.select_related("model__dataset_version__dataset", "job")
            .defer(*long, "job__result", "facts", "model__facts")
            .annotate(rknn_bytes=models.F("facts__rknn_bytes"))
        )


class CompiledModel(models.Model):
    """A ``.rknn`` of one model for one chip, channel order and quantization setting.

    Several per chip are normal: quantization settings are compared, and one is ``chosen`` for deployment.
    """

    model = models.ForeignKey(Model, on_delete=models.CASCADE, related_name="compiled_models")
    job = models.OneToOneField(Job, on_delete=models.PROTECT, related_name="compiled_model")
    chip = models.CharField(max_length=20)
    channel_order = models.CharField(max_length=3, default="rgb")
    # {"dtype": None for the chip's int8, "algorithm": "normal", "calibration_images": 100, "seed": 0}
    quantization = models.JSONField(default=dict)
    chosen = models.BooleanField(default=True)
    # Its program's output: cost, rknn_bytes, notices, versions, …
    facts = models.JSONField(default=dict, **KEEPS_MESSAGES)

    objects = CompiledModelQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["model", "chip", "channel_order"],
                condition=models.Q(chosen=True),
                name="one_chosen_per_chip",
            )
        ]

    def __str__(self):
        return msg("{run} for {chip}", run=self.model.name, chip=configs.title(configs.chips(), self.chip))

    @property
    def title(self) -> Message:
        """Its measured form as the subject of a sentence."""
        chip = configs.title(configs.chips(), self.chip)
        return msg("int8 for {chip}", chip=chip) if self.is_quantized else msg("RKNN for {chip}", chip=chip)

    @property
    def is_ready(self) -> bool:
        return self.job.status == Status.SUCCEEDED

    @property
    def in_use(self) -> CompiledModel:
        """The variant that is chosen for the same chip and channel order, often this one."""
        same = CompiledModel.objects.filter(
            model=self.model_id, chip=self.chip, channel_order=self.channel_order, chosen=True
        )
        return self if self.chosen else same.get()

    @property
    def cost(self) -> dict:
        """Cycles, memory and layers as estimated by the toolkit; empty until it is built."""
        return self.facts.get("cost", {})

    @property
    def memory_bytes(self) -> int:
        """Weights and feature maps as estimated by the toolkit; 0 if unknown."""
        return (self.cost.get("weight_bytes") or 0) + (self.cost.get("feature_bytes") or 0)

    @property
    def is_quantized(self) -> bool:
        return self.facts.get("quantized", self.quantization.get("dtype") is None)


class EvaluationQuerySet(models.QuerySet):
    def live(self):
        return self.filter(model__deleted_at=None)

    def for_team(self, team):
        return self.filter(model__team=team)


class Evaluation(models.Model):
    """Metrics and predictions of one artifact on one engine and one set of images.

    Every figure on a page comes from here. ``parity`` compares it with the previous stage, on the images that
    both predicted: ``{"stage", "images", "before", "after", "drop", "agreement", "changed", "lost", "gained",
    "drift", "classes"}``; empty for a first stage. Older rows lack the last four.
    """

    model = models.ForeignKey(Model, on_delete=models.CASCADE, related_name="evaluations")
    compiled_model = models.ForeignKey(
        CompiledModel, on_delete=models.CASCADE, null=True, related_name="evaluations"
    )
    device = models.ForeignKey(Device, on_delete=models.SET_NULL, null=True, related_name="evaluations")
    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="evaluations")
    stage = models.CharField(max_length=10, choices=Stage)
    engine = models.CharField(max_length=120)
    dataset_version = models.ForeignKey(DatasetVersion, on_delete=models.PROTECT, related_name="+")
    split = models.CharField(max_length=10, default="val")
    images = models.PositiveIntegerField()
    value = models.FloatField(null=True)  # of the task's metric, 0 to 1
    metrics = models.JSONField(default=dict)
    parity = models.JSONField(default=dict)
    predictions = models.CharField(max_length=200)  # the name of the job's artifact
    created_at = models.DateTimeField(auto_now_add=True)

    objects = EvaluationQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["job", "stage"], name="one_evaluation_a_stage"),
        ]
        indexes = [models.Index(fields=["model", "stage"])]

    def __str__(self):
        return msg(
            "{stage} of {model}", stage=word(Stage(self.stage).label), model=self.compiled_model or self.model
        )

    @property
    def measured_on(self) -> Message:
        """The measured images, in words: how many, and of which split."""
        if self.split == TEST:
            return msg_n("{count} test image", "{count} test images", self.images)
        return msg_n("{count} validation image", "{count} validation images", self.images)

    @property
    def drop(self) -> float | None:
        return self.parity.get("drop")

    @property
    def agreement(self) -> float | None:
        return self.parity.get("agreement")
