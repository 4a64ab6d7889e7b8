"""Images that came back from devices and wait for a person, and the rules by which they are kept."""

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from portal.core.messages import MessageField
from portal.core.names import NameField
from portal.datasets.models import Dataset, DatasetVersion
from portal.devices.models import Device
from portal.jobs.models import ACTIVE, Status
from portal.teams.models import Owned, OwnedQuerySet, User
from workers.contract.messages import msg

SHARE = [MinValueValidator(0), MaxValueValidator(1)]


class Rule(Owned):
    """Which images of a device are kept for review; without a device, of all that have no rule of their own.

    A condition that is empty keeps nothing. ``seen`` and ``dropped`` count images; ``problem`` says why the
    last one that should have been kept was not.
    """

    device = models.OneToOneField(Device, on_delete=models.CASCADE, null=True, related_name="review_rule")
    below = models.FloatField(null=True, validators=SHARE)  # a score
    margin = models.FloatField(null=True, validators=SHARE)  # between the two best classes
    every = models.PositiveIntegerField(null=True)  # one of so many images
    changed = models.BooleanField(default=False)  # against the release before
    dataset = models.ForeignKey(Dataset, on_delete=models.SET_NULL, null=True, related_name="+")
    live_seconds = models.PositiveSmallIntegerField(default=5)  # at least between two live images
    most_images = models.PositiveIntegerField(default=200)  # that wait, of one device
    most_mib = models.PositiveIntegerField(default=200)
    seen = models.PositiveBigIntegerField(default=0)
    dropped = models.PositiveIntegerField(default=0)
    problem = MessageField(blank=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["team"], condition=Q(device=None), name="one_review_rule_a_team")
        ]

    def __str__(self):
        return str(self.device) if self.device else msg("all devices")

    @property
    def keeps_any(self) -> bool:
        return self.changed or any(value is not None for value in (self.below, self.margin, self.every))


class State(models.TextChoices):
    WAITING = "waiting", _("To review")
    ACCEPTED = "accepted", _("Accepted")
    DISCARDED = "discarded", _("Discarded")


class ItemQuerySet(OwnedQuerySet):
    def queued(self):
        """Those that count for the bound of the queue: not decided, or discarded a moment ago."""
        return self.filter(state__in=(State.WAITING, State.DISCARDED)).exclude(file="")

    def waiting(self):
        return self.filter(state=State.WAITING, dataset__deleted_at=None).exclude(dataset=None)

    def collected(self):
        """Accepted images that are in no version of their dataset yet, nor on their way into one."""
        arrived = Q(version__job__status__in=(*ACTIVE, Status.SUCCEEDED), version__deleted_at=None)
        return self.filter(state=State.ACCEPTED, dataset__deleted_at=None).exclude(file="").exclude(arrived)


class Item(Owned):
    """One image of a device. ``label`` is the person's, as ``Task.label_of`` writes it; while boxes are being
    drawn it is set already, and the image still waits.
    """

    device = models.ForeignKey(Device, on_delete=models.SET_NULL, null=True, related_name="review_items")
    device_name = NameField(max_length=80)
    dataset = models.ForeignKey(Dataset, on_delete=models.SET_NULL, null=True, related_name="review_items")
    release = models.CharField(max_length=100)
    taken_at = models.DateTimeField()
    source = models.CharField(max_length=10, choices=[("asked", _("inference")), ("live", _("live"))])
    task = models.CharField(max_length=20)
    name = NameField(max_length=255)
    file = models.FileField(max_length=300)  # empty once the image is in a version
    bytes = models.PositiveBigIntegerField(default=0)
    sha256 = models.CharField(max_length=64)
    width = models.PositiveIntegerField()
    height = models.PositiveIntegerField()
    prediction = models.JSONField(default=dict)
    before = models.JSONField(null=True)  # what the release before predicted
    reasons = models.JSONField(default=list)  # see ``rules.REASONS``
    state = models.CharField(max_length=10, choices=State, default=State.WAITING)
    label = models.JSONField(null=True)
    corrected = models.BooleanField(default=False)
    decided_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    decided_at = models.DateTimeField(null=True)
    version = models.ForeignKey(
        DatasetVersion, on_delete=models.SET_NULL, null=True, related_name="review_items"
    )

    objects = ItemQuerySet.as_manager()

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["team", "sha256", "release"], name="one_review_a_release")
        ]
        indexes = [models.Index(fields=["team", "state", "id"])]

    def __str__(self):
        return msg("{name} from {device}", name=self.name, device=self.device_name)

    @property
    def is_waiting(self) -> bool:
        return self.state == State.WAITING
