"""Searches for the model that fits a board: their goal, their candidates, and the runs of these."""

from __future__ import annotations

from django.db import models
from django.urls import reverse

from portal.compilation import search_status
from portal.compilation.models import QuantizationSearch
from portal.core import configs
from portal.core.messages import MessageField
from portal.core.names import NameField
from portal.datasets.models import DatasetVersion
from portal.jobs.models import Job
from portal.runs.models import Run
from portal.teams.models import Owned


class FitSearch(Owned):
    """Trains candidates briefly and goes on with the best, until one fits a chip within the limits.

    Its job waits while the candidates' runs go their way, and then ends the search. ``decided``: nothing is
    left to start. ``fitting/search.py`` is the only writer.
    """

    name = NameField(max_length=120)
    dataset_version = models.ForeignKey(DatasetVersion, on_delete=models.PROTECT, related_name="+")
    job = models.OneToOneField(Job, on_delete=models.PROTECT, related_name="fit_search")
    task = models.CharField(max_length=20)
    chip = models.CharField(max_length=20)
    channel_order = models.CharField(max_length=3)
    # ms, cycles, memory (bytes), accuracy (0 to 1): None if not limited
    limits = models.JSONField(default=dict)
    params = models.JSONField(default=dict)  # of every run: augmentation, seed; see runs/plan.py
    budget_seconds = models.PositiveIntegerField()
    spent_seconds = models.PositiveIntegerField(default=0, db_default=0)  # by attempts before this one
    # Of the winner's weights, if int8 missed the required accuracy.
    quantization = models.ForeignKey(
        QuantizationSearch, on_delete=models.SET_NULL, null=True, related_name="fit_searches"
    )
    decided = models.BooleanField(default=False)
    met = models.BooleanField(null=True)  # whether a candidate keeps to the limits; None before the end
    outcome = MessageField(blank=True)
    winner = models.ForeignKey("Candidate", on_delete=models.SET_NULL, null=True, related_name="+")

    class Meta:
        ordering = ["-id"]

    def __str__(self):
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("fit-detail", args=[self.pk])

    @property
    def status(self) -> str:
        return search_status.of(self)


class Candidate(models.Model):
    """A recipe at one input size. The estimates are of its cost on the chip; None if unknown."""

    search = models.ForeignKey(FitSearch, on_delete=models.CASCADE, related_name="candidates")
    recipe = models.CharField(max_length=60)
    width = models.PositiveIntegerField()
    height = models.PositiveIntegerField()
    cycles = models.PositiveBigIntegerField(null=True)
    memory = models.PositiveBigIntegerField(null=True)
    left_out = MessageField(blank=True)  # why it is not trained, or not any further

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(
                fields=["search", "recipe", "width", "height"], name="one_candidate_a_choice"
            )
        ]

    def __str__(self):
        return f"{configs.title(configs.recipes(), self.recipe)} {self.width}×{self.height}"

    @property
    def size(self) -> list[int]:
        return [self.width, self.height]


class Trial(models.Model):
    """One run of a candidate: round 0 is the shortest training, and each later one goes on from it.

    ``run`` is None until it is started.
    """

    candidate = models.ForeignKey(Candidate, on_delete=models.CASCADE, related_name="trials")
    number = models.PositiveSmallIntegerField()  # of the round
    epochs = models.PositiveIntegerField()
    run = models.OneToOneField(Run, on_delete=models.SET_NULL, null=True, related_name="trial")

    class Meta:
        ordering = ["number", "id"]
        constraints = [models.UniqueConstraint(fields=["candidate", "number"], name="one_trial_a_round")]
