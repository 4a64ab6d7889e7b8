"""Drafts: a person's changes to a version, and a model's proposed labels for its images."""

from django.db import models
from django.db.models import OuterRef, Q
from django.utils.translation import gettext_lazy as _

from portal.core.counting import counted
from portal.core.names import NameField
from portal.teams.models import Owned, OwnedQuerySet
from workers.contract.messages import msg


class DraftState(models.TextChoices):
    OPEN = "open", _("Open")
    COMMITTED = "committed", _("Created a version")
    DISCARDED = "discarded", _("Discarded")


class DraftQuerySet(OwnedQuerySet):
    def with_length(self):
        """For lists: with the number of changes in effect."""
        changes = DraftChange.objects.filter(draft=OuterRef("pk"), undone=False)
        return self.annotate(counted=counted(changes, "draft"))


class Draft(Owned):
    """One person's changes to a version, on their way to become the next one."""

    dataset = models.ForeignKey("datasets.Dataset", on_delete=models.CASCADE, related_name="drafts")
    base = models.ForeignKey("datasets.DatasetVersion", on_delete=models.CASCADE, related_name="drafts")
    state = models.CharField(max_length=10, choices=DraftState, default=DraftState.OPEN)
    message = NameField(max_length=200, blank=True)  # the purpose of the new version
    version = models.OneToOneField(
        "datasets.DatasetVersion", on_delete=models.SET_NULL, null=True, related_name="made_of"
    )

    objects = DraftQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["dataset", "created_by"], condition=Q(state="open"), name="one_open_draft_per_person"
            )
        ]

    def __str__(self):
        return msg("changes to {base}", base=self.base)

    @property
    def is_open(self) -> bool:
        return self.state == DraftState.OPEN

    def done(self):
        """The changes in effect, in order."""
        return self.changes.filter(undone=False)

    @property
    def length(self) -> int:
        """The number of changes in effect, as counted by ``with_length`` if available."""
        counted = getattr(self, "counted", None)
        return self.done().count() if counted is None else counted


class DraftChange(models.Model):
    """One change of a draft, see ``changes.KINDS``; an undone one can be redone until the next is added."""

    draft = models.ForeignKey(Draft, on_delete=models.CASCADE, related_name="changes")
    number = models.PositiveIntegerField()
    kind = models.CharField(max_length=12)
    payload = models.JSONField()
    images = models.PositiveIntegerField(null=True)  # how many it affects; None if it goes by class
    undone = models.BooleanField(default=False)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["number"]
        constraints = [models.UniqueConstraint(fields=["draft", "number"], name="one_change_per_number")]

    def __str__(self):
        return f"{self.number}: {self.kind}"


class Proposal(models.Model):
    """A model's proposal for an image of a draft's base; see ``proposals`` for when it is pending."""

    draft = models.ForeignKey(Draft, on_delete=models.CASCADE, related_name="proposals")
    image = models.PositiveIntegerField()  # its id in the base
    label = models.JSONField()  # a class id, or boxes as in a change ``boxes``
    score = models.FloatField()  # of the class, or the lowest of the boxes
    by = models.CharField(max_length=120)  # the model's name
    model = models.PositiveIntegerField()  # its id
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["image"]
        constraints = [
            models.UniqueConstraint(fields=["draft", "image"], name="one_proposal_per_image"),
        ]

    def __str__(self):
        return f"{self.image}: {self.by}"
