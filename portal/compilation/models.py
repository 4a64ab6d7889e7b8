"""Layer error measurements and quantization searches."""

from __future__ import annotations

from django.db import models

from portal.compilation import search_status
from portal.core import configs
from portal.core.messages import MessageField
from portal.jobs.models import Job
from portal.models.models import CompiledModel, Model
from workers.contract.messages import msg


class LayerErrorsQuerySet(models.QuerySet):
    def for_team(self, team):
        return self.filter(compiled_model__model__team=team)

    def live(self):
        return self.filter(compiled_model__model__deleted_at=None)


class LayerErrors(models.Model):
    """The error of each layer of a compiled model against float, in the simulator, on a few images."""

    compiled_model = models.ForeignKey(CompiledModel, on_delete=models.CASCADE, related_name="layer_errors")
    job = models.OneToOneField(Job, on_delete=models.PROTECT, related_name="layer_errors")
    # The search that requested it; None if a person did.
    search = models.ForeignKey(
        "QuantizationSearch", on_delete=models.SET_NULL, null=True, related_name="measured"
    )
    images = models.PositiveSmallIntegerField()
    # From input to output: type, name, fused, cosine, euclidean, single_cosine, single_euclidean, outlier
    layers = models.JSONField(default=list)

    objects = LayerErrorsQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]

    def __str__(self):
        return msg("layer errors of {model}", model=str(self.compiled_model))


class SearchQuerySet(models.QuerySet):
    def for_team(self, team):
        return self.filter(model__team=team)

    def live(self):
        return self.filter(model__deleted_at=None)


class QuantizationSearch(models.Model):
    """Tries quantizations of a model for one chip until one loses no more than allowed.

    Its job waits while the variants are compiled, each in its own job, and then ends the search.
    ``decided``: nothing is left to try. ``compilation/search.py`` is the only writer.
    """

    model = models.ForeignKey(Model, on_delete=models.CASCADE, related_name="searches")
    job = models.OneToOneField(Job, on_delete=models.PROTECT, related_name="quantization_search")
    chip = models.CharField(max_length=20)
    channel_order = models.CharField(max_length=3)
    allowed_drop = models.FloatField()  # in the task's metric, from ONNX to the chip: 0.01 is one point
    started = models.ManyToManyField(CompiledModel, related_name="searches")
    decided = models.BooleanField(default=False)
    met = models.BooleanField(null=True)  # whether a variant meets the limit; None before the end
    outcome = MessageField(blank=True)
    # The cheapest variant that meets the limit, else the nearest one, which is not chosen by itself.
    found = models.ForeignKey(CompiledModel, on_delete=models.SET_NULL, null=True, related_name="+")

    objects = SearchQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]

    def __str__(self):
        return msg(
            "quantization of {model} for {chip}",
            model=str(self.model),
            chip=configs.title(configs.chips(), self.chip),
        )

    @property
    def status(self) -> str:
        return search_status.of(self)

    @property
    def variants(self):
        """Every variant for its chip, whether requested by the search or by a person."""
        return CompiledModel.objects.filter(
            model=self.model_id, chip=self.chip, channel_order=self.channel_order
        )
