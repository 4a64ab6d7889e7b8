"""Datasets and their immutable versions, uploads, and drafts."""

import re
import uuid

from django.conf import settings
from django.db import models
from django.db.models import F, OuterRef, Q, Subquery, Sum
from django.db.models.functions import Coalesce
from django.utils import timezone

from portal import tasks
from portal.core import configs
from portal.core.counting import counted
from portal.core.messages import KEEPS_MESSAGES, MessageField
from portal.core.names import NameField
from portal.datasets import draft_models  # noqa: F401 (their tables belong to the app too)
from portal.datasets.states import REVIEW, Review, UploadState, check_state
from portal.jobs.models import Job, Status
from portal.tasks import DatasetFacts, Unknown
from portal.teams.models import Owned, OwnedQuerySet, Team
from workers.contract.splits import TEST, VAL
from workers.datakit import tasks as labels
from workers.datakit.findings import ERROR

COVER_IMAGES = 8


class DatasetQuerySet(OwnedQuerySet):
    def live(self):
        """Without deleted ones."""
        return self.filter(deleted_at=None)

    def with_figures(self):
        """With ``newest_version`` (its id), ``version_count`` and ``stored_bytes``. Deleted versions count
        only for their storage.
        """
        versions = DatasetVersion.objects.filter(dataset=OuterRef("pk"), deleted_at=None)
        packs = Pack.objects.filter(dataset=OuterRef("pk")).order_by().values("dataset")
        return self.annotate(
            newest_version=Subquery(versions.values("pk")[:1]),
            version_count=counted(versions, "dataset"),
            stored_bytes=Coalesce(Subquery(packs.annotate(sum=Sum("bytes")).values("sum")), 0),
        )


class Dataset(Owned):
    """A named set of images in versions. A deleted one can be restored for a while; its name is free."""

    name = NameField(max_length=120)
    last_number = models.PositiveIntegerField(
        default=0
    )  # of its versions: only a discarded upload's is reused
    reading = models.JSONField(null=True)  # how its next upload is read, see ``reviews.remembered``
    deleted_at = models.DateTimeField(null=True)

    objects = DatasetQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["team", "name"], condition=Q(deleted_at=None), name="live_dataset_name_in_team"
            )
        ]

    def __str__(self):
        return self.name


class Pack(models.Model):
    """A file of concatenated image contents; several versions of its dataset may refer to it."""

    dataset = models.ForeignKey(Dataset, on_delete=models.CASCADE, related_name="packs")
    name = models.CharField(max_length=100, unique=True)  # its name in the indexes
    file = models.FileField(max_length=300)
    images = models.PositiveIntegerField(default=0)
    bytes = models.PositiveBigIntegerField(default=0)

    class Meta:
        ordering = ["id"]

    def __str__(self):
        return self.name


# Of no use to a list: they describe the version's content, and may be large.
LONG_COLUMNS = ("options", "class_names", "counts", "findings", "statistics", "diff", "reading")


class VersionQuerySet(OwnedQuerySet):
    def live(self):
        """Those not deleted, neither alone nor with their dataset."""
        return self.filter(deleted_at=None, dataset__deleted_at=None)

    def newest_of(self, datasets):
        """The version with the highest number, without deleted ones, of each of these datasets."""
        rows = DatasetVersion.objects.filter(dataset=OuterRef("dataset"), deleted_at=None)
        return self.filter(
            dataset__in=datasets, number=Subquery(rows.order_by("-number").values("number")[:1])
        )

    def ready(self):
        return self.filter(job__status=Status.SUCCEEDED).exclude(review=Review.WAITING)

    def in_review(self):
        """Checked, but not confirmed by a person yet."""
        return self.filter(job__status=Status.SUCCEEDED, review=Review.WAITING)


class DatasetVersion(models.Model):
    """The content of one upload, or of one edit of another version.

    Ready when its job has succeeded and no confirmation of how the upload was read is pending (``reviews``);
    never changed after that. Its images are listed in its index (``indexes.opened``) and stored in packs. The
    row holds only what lists and reports show, so it is as small for 100,000 images as for 100.
    """

    dataset = models.ForeignKey(Dataset, on_delete=models.CASCADE, related_name="versions")
    team = models.ForeignKey(Team, on_delete=models.PROTECT, related_name="+")
    number = models.PositiveIntegerField()
    job = models.OneToOneField(Job, on_delete=models.PROTECT, null=True, related_name="dataset_version")
    upload = models.FileField(max_length=300)
    upload_name = NameField(max_length=255)
    options = models.JSONField(default=dict)  # options of the upload, see ``options.py``
    upload_bytes = models.PositiveBigIntegerField(default=0)  # kept of the upload; 0 once it is removed
    parent = models.ForeignKey("self", on_delete=models.SET_NULL, null=True, related_name="children")
    # The version from whose boxes it was made.
    source = models.ForeignKey("self", on_delete=models.SET_NULL, null=True, related_name="cuts")
    index = models.FileField(max_length=300, blank=True)  # see ``index.py``; set once ready
    index_bytes = models.PositiveBigIntegerField(default=0, db_default=0)
    packs = models.ManyToManyField(Pack, related_name="versions")
    content_hash = models.CharField(max_length=64, blank=True, db_index=True)
    class_names = models.JSONField(default=list)
    counts = models.JSONField(default=list)  # [{"name", "train", "val", "test", "total"}]
    # [{"level", "code", "message", "advice", "count", "examples"}]
    findings = models.JSONField(default=list, **KEEPS_MESSAGES)
    statistics = models.JSONField(default=dict)  # histograms, see ``assemble.py``
    diff = models.JSONField(null=True)  # against the parent: {"added", "removed", "relabelled", "moved"}
    layout = MessageField(blank=True)
    reading = models.JSONField(null=True, **KEEPS_MESSAGES)  # how it was read; null for edits
    question = MessageField(blank=True, default="", db_default="")  # what is in doubt about the reading
    review = models.CharField(max_length=10, choices=Review, blank=True, default="", db_default="")
    confirmed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    confirmed_at = models.DateTimeField(null=True)
    task = models.CharField(max_length=20, default=labels.CLASSIFICATION)  # of its labels
    split = models.CharField(max_length=20, blank=True)
    images = models.PositiveIntegerField(default=0)
    train_images = models.PositiveIntegerField(default=0)
    val_images = models.PositiveIntegerField(default=0)
    test_images = models.PositiveIntegerField(default=0, db_default=0)  # never used for training
    bytes = models.PositiveBigIntegerField(default=0)
    created_at = models.DateTimeField(auto_now_add=True)
    deleted_at = models.DateTimeField(null=True)

    objects = VersionQuerySet.as_manager()

    class Meta:
        ordering = ["-number"]
        constraints = [models.UniqueConstraint(fields=["dataset", "number"], name="version_number")]

    def __str__(self):
        return f"{self.dataset.name} v{self.number}"

    @property
    def is_checked(self) -> bool:
        """Whether it has an index and images, confirmed or not."""
        return self.job is not None and self.job.status == Status.SUCCEEDED

    @property
    def is_ready(self) -> bool:
        return self.is_checked and self.review != Review.WAITING

    @property
    def in_review(self) -> bool:
        return self.is_checked and self.review == Review.WAITING

    @property
    def is_deleted(self) -> bool:
        return self.deleted_at is not None or self.dataset.deleted_at is not None

    @property
    def state(self) -> UploadState:
        """How far the upload is on its way to a dataset."""
        return check_state(self.job, self.review)

    @property
    def status(self) -> str:
        """The status of its job, or that it waits for a person."""
        return REVIEW if self.in_review else str(self.job.status)

    @property
    def message(self) -> str:
        """Why it was refused, or what is in doubt; empty otherwise."""
        return self.question if self.in_review else self.job.message

    @property
    def cover(self) -> list[int]:
        """The ids of a few images as a cover: images are ordered by class."""
        count = min(COVER_IMAGES, self.images)
        return [1 + number * self.images // count for number in range(count)]

    @property
    def short_hash(self) -> str:
        return self.content_hash[:12]

    @property
    def training_refusals(self) -> list[str]:
        """Why no model can be trained on it: sentences; none if one can, or it is not ready."""
        if not self.is_ready:
            return []
        if not any(recipe.task == self.task for recipe in configs.recipes().values()):
            return Unknown(self.task).refusals(self.facts)
        return tasks.get(self.task).refusals(self.facts)

    @property
    def is_blocked(self) -> bool:
        return bool(self.training_refusals)

    @property
    def measured_split(self) -> str:
        """The split that its models are measured on, as in ``measured_split`` of the worker programs."""
        return TEST if self.test_images else VAL

    @property
    def drawn(self) -> list[str]:
        """The splits that the upload lacked and that were drawn from its training images."""
        codes = {finding["code"] for finding in self.findings}
        return [split for split in (VAL, TEST) if f"{split}-drawn" in codes]

    @property
    def labels(self) -> labels.Task:
        """The task of its labels, as ``datakit`` defines it."""
        return labels.get(self.task)

    @property
    def facts(self) -> DatasetFacts:
        """The facts that a task needs to decide whether it can be trained on."""
        errors = [finding["message"] for finding in self.findings if finding["level"] == ERROR]
        return DatasetFacts(self.task, self.class_names, self.train_images, self.val_images, errors)


class UploadQuerySet(OwnedQuerySet):
    def waiting(self):
        """Neither a version of a dataset nor expired."""
        return self.filter(version=None, expires_at__gt=timezone.now())

    def received(self):
        """Complete, and not yet part of a dataset."""
        return self.waiting().filter(offset=F("length"))

    def with_metadata(self, pair: str):
        """Those whose client sent this pair of a key and a base64 value."""
        return self.filter(metadata__regex=rf"(^|,){re.escape(pair)}(,|$)")


class Upload(Owned):
    """A file that arrives in pieces. ``offset`` is how many bytes are safely stored.

    Whoever appends holds the row for a while (``holder``, ``held_until``) and renews that as bytes arrive.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    filename = NameField(max_length=255)
    metadata = models.TextField(blank=True)  # the client's own words, returned to it
    dataset_name = NameField(max_length=120, blank=True)  # becomes its next version automatically
    options = models.JSONField(default=dict)  # as in DatasetVersion
    length = models.PositiveBigIntegerField()
    offset = models.PositiveBigIntegerField(default=0)
    holder = models.CharField(max_length=32, blank=True)
    held_until = models.DateTimeField(null=True)
    expires_at = models.DateTimeField(db_index=True)
    version = models.OneToOneField(
        DatasetVersion, on_delete=models.SET_NULL, null=True, related_name="received"
    )

    objects = UploadQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]
        constraints = [
            models.CheckConstraint(condition=Q(offset__lte=F("length")), name="offset_within_length")
        ]

    def __str__(self):
        return self.filename

    @property
    def is_whole(self) -> bool:
        return self.offset == self.length

    @property
    def is_expired(self) -> bool:
        return self.version_id is None and self.expires_at <= timezone.now()

    @property
    def is_held(self) -> bool:
        """Whether a connection is appending, or was a moment ago."""
        return self.held_until is not None and self.held_until > timezone.now()

    @property
    def percent(self) -> float:
        return 100.0 * self.offset / self.length if self.length else 100.0

    @property
    def state(self) -> UploadState:
        if self.version_id:
            return self.version.state
        if self.is_expired:
            return UploadState.EXPIRED
        return UploadState.RECEIVED if self.is_whole else UploadState.RECEIVING

    @property
    def message(self) -> str:
        """Why it was refused, or what is in doubt; empty otherwise."""
        return self.version.message if self.state in (UploadState.REFUSED, UploadState.REVIEW) else ""


class UploadPiece(models.Model):
    """Some bytes of an upload as a file in storage, where every host can reach them."""

    upload = models.ForeignKey(Upload, on_delete=models.CASCADE, related_name="pieces")
    start = models.PositiveBigIntegerField()
    size = models.PositiveBigIntegerField()
    file = models.FileField(max_length=300)

    class Meta:
        ordering = ["start"]
        constraints = [models.UniqueConstraint(fields=["upload", "start"], name="one_piece_per_start")]
