"""Serializers of the differences between two versions."""

from rest_framework import serializers

from workers.contract.splits import SPLITS
from workers.datakit import diffing


class DiffCountsSerializer(serializers.Serializer):
    """The number of changed images, by kind. A relabelled one may also have moved to another split."""

    added = serializers.IntegerField()
    removed = serializers.IntegerField()
    relabelled = serializers.IntegerField()
    moved = serializers.IntegerField()


class DiffQuerySerializer(serializers.Serializer):
    """Which changes to list."""

    against = serializers.IntegerField(
        required=False,
        min_value=1,
        max_value=2**62,
        help_text="id of a version of the same dataset; its parent otherwise",
    )
    kind = serializers.ChoiceField(choices=diffing.KINDS, required=False)
    after = serializers.IntegerField(required=False, min_value=0, max_value=2**62, default=0)
    limit = serializers.IntegerField(required=False, min_value=1, max_value=500, default=60)


class ChangedImageSerializer(serializers.Serializer):
    """An image in one of the two versions, with ``class_name``, or with ``boxes`` in a detection dataset."""

    id = serializers.IntegerField(source="image.id", help_text="number of the image in that version")
    original = serializers.CharField(source="image.original")
    split = serializers.ChoiceField(source="image.split", choices=SPLITS)
    class_name = serializers.CharField(allow_null=True)
    boxes = serializers.ListField(
        child=serializers.ListField(), allow_null=True, help_text="class name, left, top, width, height"
    )


class ChangeSerializer(serializers.Serializer):
    """One image that was added (no ``before``), removed (no ``after``), relabelled or moved."""

    number = serializers.IntegerField()
    kind = serializers.ChoiceField(choices=diffing.KINDS)
    sha256 = serializers.CharField()
    before = ChangedImageSerializer(allow_null=True)
    after = ChangedImageSerializer(allow_null=True)


class DiffSerializer(serializers.Serializer):
    """The differences from the version ``against`` to this one; ``next`` is the ``after`` of the next
    page.
    """

    against = serializers.IntegerField()
    version = serializers.IntegerField()
    counts = DiffCountsSerializer()
    changes = ChangeSerializer(many=True)
    next = serializers.IntegerField(allow_null=True)
