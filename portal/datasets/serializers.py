from django.conf import settings
from rest_framework import serializers

from portal.datasets.models import Dataset, DatasetVersion
from portal.jobs.serializers import JobSerializer


class DatasetVersionSerializer(serializers.ModelSerializer):
    dataset_name = serializers.CharField(source="dataset.name")
    status = serializers.CharField(source="job.status")
    message = serializers.CharField(source="job.message")
    job = JobSerializer()

    class Meta:
        model = DatasetVersion
        fields = [
            "id", "dataset", "dataset_name", "number", "status", "message", "upload_name", "content_hash",
            "class_names", "counts", "findings", "layout", "split", "images", "train_images", "val_images",
            "bytes", "created_at", "job",
        ]  # fmt: skip


class DatasetSerializer(serializers.ModelSerializer):
    created_by = serializers.CharField(source="created_by.username", default=None)
    newest_version = serializers.SerializerMethodField()

    class Meta:
        model = Dataset
        fields = ["id", "name", "created_by", "created_at", "newest_version"]

    def get_newest_version(self, dataset) -> int | None:
        newest = dataset.versions.first()
        return newest.pk if newest else None


class UploadSerializer(serializers.Serializer):
    """An upload: a zip of class folders, or of PaddleX's layout. Counts and names are read from it."""

    name = serializers.CharField(max_length=120)
    file = serializers.FileField(allow_empty_file=True)
    class_count = serializers.IntegerField(required=False, allow_null=True, min_value=2)
    class_names = serializers.ListField(child=serializers.CharField(max_length=255), required=False)
    val_fraction = serializers.FloatField(required=False, min_value=0.05, max_value=0.5)
    seed = serializers.IntegerField(required=False, min_value=0, max_value=2**31 - 1)

    def validate_file(self, file):
        if file.size > settings.UPLOAD_MAX_BYTES:
            limit = settings.UPLOAD_MAX_BYTES // 1024**2
            raise serializers.ValidationError(
                f"The file is larger than the {limit} MB that this server takes; split it or ask the "
                "administrator to raise UPLOAD_MAX_MB."
            )
        return file

    def options(self) -> dict:
        keys = ("class_count", "class_names", "val_fraction", "seed")
        return {key: self.validated_data[key] for key in keys if self.validated_data.get(key)}
