from rest_framework import serializers

from portal.datasets import uploads
from portal.datasets.models import Dataset, DatasetVersion, Upload, UploadState
from portal.datasets.readers import LAYOUTS
from portal.datasets.refusals import UploadRefused
from portal.jobs.serializers import JobSerializer


class DatasetVersionSerializer(serializers.ModelSerializer):
    dataset_name = serializers.CharField(source="dataset.name")
    state = serializers.ChoiceField(choices=UploadState.choices, help_text="As the state of an upload.")
    status = serializers.CharField(source="job.status")
    message = serializers.CharField(source="job.message")
    job = JobSerializer()

    class Meta:
        model = DatasetVersion
        fields = [
            "id", "dataset", "dataset_name", "number", "state", "status", "message", "upload_name",
            "content_hash", "class_names", "counts", "findings", "layout", "task", "split",
            "images", "train_images", "val_images", "bytes", "created_at", "job",
        ]  # fmt: skip


class DatasetSerializer(serializers.ModelSerializer):
    created_by = serializers.CharField(source="created_by.username", default=None)
    newest_version = serializers.IntegerField(allow_null=True, help_text="its id")

    class Meta:
        model = Dataset
        fields = ["id", "name", "created_by", "created_at", "newest_version"]


class OptionsSerializer(serializers.Serializer):
    """What may be said about an upload; counts and names are read from it where nothing is said."""

    class_count = serializers.IntegerField(required=False, allow_null=True, min_value=2)
    class_names = serializers.ListField(child=serializers.CharField(max_length=255), required=False)
    val_fraction = serializers.FloatField(required=False, min_value=0.05, max_value=0.5)
    seed = serializers.IntegerField(required=False, min_value=0, max_value=2**31 - 1)
    layout = serializers.ChoiceField(
        choices=list(LAYOUTS), required=False, help_text="How to read the files; found by looking otherwise."
    )

    def options(self) -> dict:
        keys = ("class_count", "class_names", "val_fraction", "seed", "layout")
        return {key: self.validated_data[key] for key in keys if self.validated_data.get(key)}


class UploadSerializer(OptionsSerializer):
    """A zip of class folders, or of PaddleX's layout: in this request, or as an upload received before."""

    name = serializers.CharField(max_length=120)
    file = serializers.FileField(allow_empty_file=True, required=False)
    upload = serializers.UUIDField(required=False)

    def validate_file(self, file):
        try:
            uploads.check_size(self.context["request"].team, file.name, file.size)
        except UploadRefused as refusal:
            raise serializers.ValidationError(str(refusal)) from refusal
        return file

    def validate_upload(self, pk):
        """The upload itself; another team's is as unknown as any other."""
        upload = Upload.objects.for_team(self.context["request"].team).filter(pk=pk).first()
        if upload is None:
            raise serializers.ValidationError("There is no upload with this id: send the file first.")
        return upload

    def validate(self, data):
        if ("file" in data) == ("upload" in data):
            raise serializers.ValidationError({"file": ["Send either a file or the id of an upload."]})
        return data


class MetadataSerializer(OptionsSerializer):
    """The metadata of a tus upload, where everything is text. ``class_names`` holds one name a line."""

    filename = serializers.CharField(max_length=255, required=False, allow_blank=True)
    dataset = serializers.CharField(max_length=120, required=False, allow_blank=True)

    def to_internal_value(self, data):
        data = {key: value for key, value in data.items() if value != "" or key == "filename"}
        if "class_names" in data:
            data["class_names"] = [name for name in data["class_names"].splitlines() if name.strip()]
        return super().to_internal_value(data)

    def clean_filename(self) -> str:
        """The last part of the name that the client gave: a browser may send a path."""
        return self.validated_data.get("filename", "").replace("\\", "/").rpartition("/")[2] or "upload"


class ReceivedUploadSerializer(serializers.ModelSerializer):
    """An upload and what has become of it."""

    state = serializers.ChoiceField(choices=UploadState.choices)
    message = serializers.CharField()
    created_by = serializers.CharField(source="created_by.username", default=None)
    dataset_version = serializers.IntegerField(source="version_id", allow_null=True)

    class Meta:
        model = Upload
        fields = [
            "id", "state", "message", "filename", "dataset_name", "length", "offset", "percent",
            "dataset_version", "created_by", "created_at", "expires_at",
        ]  # fmt: skip
