"""Serializers of the review queue."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from portal.core.field_messages import IMAGES, MEBIBYTES, SECONDS
from portal.core.serializers import InTeamField, KnownFieldsOnly
from portal.datasets.models import Dataset
from portal.devices.models import Device
from portal.review import deciding
from portal.review.forms import MOST_EVERY, MOST_IMAGES, MOST_LIVE_SECONDS, MOST_MIB
from portal.review.models import Item, Rule
from workers.datakit.names import MAX_CLASS_NAME


class RuleSerializer(serializers.ModelSerializer):
    """Which images of a device are kept: if one of `below`, `margin`, `every` and `changed` holds.

    ``device`` is null for all devices without a rule of their own, ``dataset`` for that of the model.
    """

    class Meta:
        model = Rule
        fields = [
            "id", "device", "below", "margin", "every", "changed", "dataset", "live_seconds", "most_images",
            "most_mib", "seen", "dropped", "problem", "created_at",
        ]  # fmt: skip


class NewRuleSerializer(KnownFieldsOnly, serializers.Serializer):
    device = InTeamField(queryset=Device.objects.all(), required=False, allow_null=True)
    below = serializers.FloatField(
        required=False, allow_null=True, min_value=0, max_value=1, help_text="a score"
    )
    margin = serializers.FloatField(
        required=False, allow_null=True, min_value=0, max_value=1, help_text="between the two best classes"
    )
    every = serializers.IntegerField(
        required=False, allow_null=True, min_value=1, max_value=MOST_EVERY, help_text="one of so many images"
    )
    changed = serializers.BooleanField(
        required=False, default=False, help_text="against the release before, if it is still on the board"
    )
    dataset = InTeamField(queryset=Dataset.objects.live(), required=False, allow_null=True)
    live_seconds = serializers.IntegerField(
        required=False,
        default=5,
        min_value=1,
        max_value=MOST_LIVE_SECONDS,
        help_text="between live images",
        error_messages=SECONDS,
    )
    most_images = serializers.IntegerField(
        required=False, default=200, min_value=1, max_value=MOST_IMAGES, error_messages=IMAGES
    )
    most_mib = serializers.IntegerField(
        required=False, default=200, min_value=1, max_value=MOST_MIB, error_messages=MEBIBYTES
    )


@extend_schema_field(
    {
        "type": "array",
        "items": {"type": "array", "items": {}, "minItems": 5, "maxItems": 5},
        "maxItems": deciding.MOST_BOXES,
    }
)
class BoxesField(serializers.JSONField):
    """Boxes, each ``[name of the class, left, top, width, height]`` in pixels."""


class ItemSerializer(serializers.ModelSerializer):
    """An image from a device. Its ``prediction`` is that of an inference, ``before`` that of the release
    before, null if that was not asked.

    ``reasons``: `unsure`, `close`, `every`, `changed`. ``label`` (the name of a class) or ``boxes`` are
    what a person accepted, else null; ``version`` is the dataset version that it was added to.
    """

    decided_by = serializers.CharField(source="decided_by.username", allow_null=True, default=None)
    prediction = serializers.JSONField()
    before = serializers.JSONField(allow_null=True)
    reasons = serializers.ListField(child=serializers.CharField())
    label = serializers.SerializerMethodField()
    boxes = serializers.SerializerMethodField()

    class Meta:
        model = Item
        fields = [
            "id", "device", "device_name", "release", "taken_at", "source", "name", "width", "height", "task",
            "prediction", "before", "reasons", "dataset", "state", "label", "boxes", "corrected",
            "decided_by", "decided_at", "version", "created_at",
        ]  # fmt: skip

    def get_label(self, item) -> str | None:
        return item.label if isinstance(item.label, str) else None

    @extend_schema_field(BoxesField(allow_null=True))
    def get_boxes(self, item) -> list | None:
        return item.label if isinstance(item.label, list) else None


class AcceptSerializer(KnownFieldsOnly, serializers.Serializer):
    """Without a label, the one that the device predicted is accepted."""

    label = serializers.CharField(
        required=False, max_length=MAX_CLASS_NAME, help_text="a class of the dataset"
    )
    boxes = BoxesField(required=False)


class NewVersionSerializer(KnownFieldsOnly, serializers.Serializer):
    dataset = InTeamField(queryset=Dataset.objects.live())
