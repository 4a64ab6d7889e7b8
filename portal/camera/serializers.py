"""Serializers of captured images."""

from __future__ import annotations

from rest_framework import serializers

from portal.camera.capture import LARGEST, LONGEST_EVERY_MS, MOST_IMAGES, SIZE
from portal.camera.models import Capture, CapturedImage, CaptureDraft
from portal.core.field_messages import MILLISECONDS, PIXELS
from portal.core.names import one_line
from portal.core.serializers import BoundedListField, InTeamField, KnownFieldsOnly, WholeField
from portal.devices.models import Device
from portal.jobs.serializers import JobSerializer
from workers.datakit.names import MAX_CLASS_NAME
from workers.datakit.tasks import TASKS

MOST_CLASSES = 1000


class ClassNameField(serializers.CharField):
    """The name of a class; empty for none."""

    def __init__(self, **more):
        super().__init__(allow_blank=True, max_length=MAX_CLASS_NAME, validators=[one_line], **more)


class CaptureDraftSerializer(serializers.ModelSerializer):
    """``version`` is made of the images by ``commit/``; ``task`` is that of the dataset."""

    dataset = serializers.CharField(source="dataset_name")
    images = serializers.IntegerField(source="counted", help_text="the number of images")
    bytes = serializers.IntegerField(source="counted_bytes")

    class Meta:
        model = CaptureDraft
        fields = ["id", "dataset", "task", "state", "images", "bytes", "version", "created_at"]


class NewCaptureDraftSerializer(KnownFieldsOnly, serializers.Serializer):
    dataset = serializers.CharField(max_length=120, validators=[one_line], help_text="a name, also a new one")
    task = serializers.ChoiceField(
        choices=list(TASKS), required=False, help_text="needed for a dataset without versions"
    )


class CapturedImageSerializer(serializers.ModelSerializer):
    """``device`` and ``release`` are set where the portal received the image from that device."""

    class Meta:
        model = CapturedImage
        fields = [
            "id",
            "key",
            "class_name",
            "width",
            "height",
            "bytes",
            "origin",
            "device",
            "release",
            "taken_at",
        ]


class NewCapturedImageSerializer(KnownFieldsOnly, serializers.Serializer):
    """An image sent again with its ``key`` is stored once."""

    image = serializers.FileField(help_text="JPEG, PNG or WebP, at most 16 MB")
    key = serializers.CharField(max_length=64, help_text="of your choice, such as a UUID")
    class_name = ClassNameField(required=False, default="")
    origin = serializers.CharField(
        required=False, default="", allow_blank=True, max_length=500,
        help_text="the signature that came with a frame of a device",
    )  # fmt: skip


class LabelSerializer(KnownFieldsOnly, serializers.Serializer):
    ids = BoundedListField(child=WholeField(), max_length=2000, allow_empty=False)
    class_name = ClassNameField()


class CommitCaptureSerializer(KnownFieldsOnly, serializers.Serializer):
    classes = BoundedListField(
        child=serializers.CharField(max_length=MAX_CLASS_NAME, validators=[one_line]),
        max_length=MOST_CLASSES, required=False, default=list,
        help_text="the classes of a new dataset whose images have no label yet",
    )  # fmt: skip


class CaptureSerializer(serializers.ModelSerializer):
    """The images are in ``draft``; those taken so far stay there if the job fails."""

    job = JobSerializer()

    class Meta:
        model = Capture
        fields = [
            "id",
            "draft",
            "device",
            "class_name",
            "count",
            "every_ms",
            "width",
            "height",
            "job",
            "created_at",
        ]


class NewCaptureSerializer(KnownFieldsOnly, serializers.Serializer):
    draft = InTeamField(queryset=CaptureDraft.objects.all())
    device = InTeamField(queryset=Device.objects.all())
    class_name = ClassNameField(required=False, default="")
    count = serializers.IntegerField(default=1, min_value=1, max_value=MOST_IMAGES)
    every_ms = serializers.IntegerField(
        default=500,
        min_value=0,
        max_value=LONGEST_EVERY_MS,
        help_text="0: as fast as the device can",
        error_messages=MILLISECONDS,
    )
    width = serializers.IntegerField(
        default=SIZE[0], min_value=8, max_value=LARGEST[0], help_text="a multiple of 8", error_messages=PIXELS
    )
    height = serializers.IntegerField(
        default=SIZE[1], min_value=8, max_value=LARGEST[1], help_text="a multiple of 8", error_messages=PIXELS
    )
