"""Serializers of prelabelling."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from portal.core.messages import shown
from portal.core.serializers import InTeamField, KnownFieldsOnly
from portal.datasets.models import DatasetVersion
from portal.jobs.serializers import JobSerializer
from portal.models.models import Model, Prelabelling
from portal.prelabelling.forms import LEAST_SCORE, MOST_SCORE
from workers.contract.messages import msg
from workers.datakit.names import MAX_CLASS_NAME

MOST_CLASSES = 1000


class PrelabellingSerializer(serializers.ModelSerializer):
    """``draft`` holds the proposals once ``job`` has succeeded; see ``drafts/{id}/proposals/``."""

    dataset_version = serializers.IntegerField(source="draft.base_id")
    job = JobSerializer()
    images = serializers.IntegerField(allow_null=True, help_text="that the model saw; null before")
    proposed = serializers.IntegerField(allow_null=True, help_text="those of them with a proposal")

    class Meta:
        model = Prelabelling
        fields = [
            "id",
            "draft",
            "dataset_version",
            "model",
            "least_score",
            "images",
            "proposed",
            "job",
            "created_at",
        ]


@extend_schema_field(
    {
        "type": "object",
        "additionalProperties": {"type": "integer", "minimum": 0, "maximum": 2**31 - 1, "nullable": True},
        "maxProperties": MOST_CLASSES,
    }
)
class ClassesField(serializers.DictField):
    """Class ids, or null, by the names of the model's classes."""

    child = serializers.IntegerField(allow_null=True, min_value=0, max_value=2**31 - 1)


class NewPrelabellingSerializer(KnownFieldsOnly, serializers.Serializer):
    """``classes`` maps each class of the model whose name the dataset lacks to a class id, or to null to
    leave it out.
    """

    dataset_version = InTeamField(queryset=DatasetVersion.objects.select_related("dataset", "job"))
    model = InTeamField(queryset=Model.objects.live().select_related("dataset_version", "job"))
    classes = ClassesField(required=False)
    score = serializers.FloatField(
        required=False,
        min_value=LEAST_SCORE,
        max_value=MOST_SCORE,
        help_text="labels with a lower score are not proposed; as chosen for the model, or 0.4",
    )

    def validate_classes(self, value: dict) -> dict:
        if len(value) > MOST_CLASSES or any(len(name) > MAX_CLASS_NAME for name in value):
            raise serializers.ValidationError(shown(msg("Name the classes of the model only.")))
        return value
