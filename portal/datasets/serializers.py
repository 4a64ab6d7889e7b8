from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from portal.core import names
from portal.core.messages import shown
from portal.core.names import one_line
from portal.core.serializers import BoundedListField, KnownFieldsOnly, WholeField
from portal.datasets import imports, reading_options, services, upload_limits
from portal.datasets.diff_serializers import DiffCountsSerializer
from portal.datasets.models import Dataset, DatasetVersion, Upload
from portal.datasets.reading_serializers import JudgementSerializer, ReadingOptionsSerializer, RolesTextField
from portal.datasets.refusals import UploadRefused
from portal.datasets.states import REVIEW, UploadState
from portal.jobs.models import Status
from portal.jobs.serializers import JobSerializer
from workers.contract.messages import msg
from workers.datakit import export
from workers.datakit.errors import InputError
from workers.datakit.findings import LEVELS
from workers.datakit.grouping import MAX_PATTERN
from workers.datakit.options import ADD, REPLACE, SPLIT_METHODS, check_split
from workers.datakit.readers import LAYOUTS

VERSION_STATUSES = [*Status.values, REVIEW]


class FindingExampleSerializer(serializers.Serializer):
    image = serializers.IntegerField(allow_null=True, help_text="Its number in the version, if it is there.")
    text = serializers.CharField()


class FindingSerializer(serializers.Serializer):
    """One kind of finding of the check."""

    level = serializers.ChoiceField(choices=LEVELS, help_text="error: certainly wrong; warn: perhaps.")
    code = serializers.CharField(help_text="Images that have a part in it can be listed by it.")
    message = serializers.CharField(help_text="What it is.")
    advice = serializers.CharField(required=False, help_text="What to do.")
    count = serializers.IntegerField()
    examples = FindingExampleSerializer(many=True, help_text="Ten at most.")


class DatasetVersionSerializer(serializers.ModelSerializer):
    dataset_name = serializers.CharField(source="dataset.name")
    state = serializers.ChoiceField(choices=UploadState.choices, help_text="As the state of an upload.")
    status = serializers.ChoiceField(
        choices=VERSION_STATUSES, help_text="Of its check; `review`: it waits for a person."
    )
    message = serializers.SerializerMethodField(help_text="Why it was refused, or what is in doubt.")
    job = JobSerializer()
    findings = FindingSerializer(many=True, help_text="The gravest first.")
    source = serializers.PrimaryKeyRelatedField(
        read_only=True, allow_null=True, help_text="The version whose boxes it was made of, or null."
    )
    diff = DiffCountsSerializer(allow_null=True, help_text="Against the parent.")
    training_refusals = serializers.SerializerMethodField(
        help_text="Why no model of its task can be trained on it; empty: one can, once it is ready."
    )

    class Meta:
        model = DatasetVersion
        fields = [
            "id", "dataset", "dataset_name", "number", "state", "status", "message", "upload_name",
            "content_hash", "class_names", "counts", "findings", "layout", "task", "split",
            "training_refusals", "images", "train_images", "val_images", "test_images", "bytes", "parent",
            "source", "diff", "created_at", "deleted_at", "job",
        ]  # fmt: skip

    def get_message(self, version) -> str:
        return version.message

    def get_training_refusals(self, version) -> list[str]:
        return version.training_refusals


class DatasetVersionDetailSerializer(DatasetVersionSerializer):
    """A version with its histograms and how it was read."""

    reading = serializers.SerializerMethodField(help_text="Null while it is checked, and for edits.")

    class Meta(DatasetVersionSerializer.Meta):
        fields = [*DatasetVersionSerializer.Meta.fields, "statistics", "reading"]

    @extend_schema_field(JudgementSerializer(allow_null=True))
    def get_reading(self, version) -> dict | None:
        return JudgementSerializer(JudgementSerializer.of(version)).data if version.reading else None


class DatasetSerializer(serializers.ModelSerializer):
    created_by = serializers.CharField(source="created_by.username", default=None, allow_null=True)
    versions = serializers.IntegerField(source="version_count", help_text="how many, but for deleted ones")
    newest_version = serializers.IntegerField(allow_null=True, help_text="its id")
    stored_bytes = serializers.IntegerField(help_text="what its images take, each stored once")
    reading = serializers.DictField(
        allow_null=True,
        read_only=True,
        help_text="how its next upload is read: what was confirmed for an earlier one",
    )

    class Meta:
        model = Dataset
        fields = [
            "id", "name", "created_by", "created_at", "deleted_at", "versions", "newest_version",
            "stored_bytes", "reading",
        ]  # fmt: skip


class DatasetNameSerializer(KnownFieldsOnly, serializers.ModelSerializer):
    """The editable part of a dataset."""

    class Meta:
        model = Dataset
        fields = ["name"]


CLASSES_AT_MOST = 10_000
OPTIONS = (
    "class_count", "class_names", "val_fraction", "test_fraction", "seed", "layout", "split", "split_group",
    "mode", "review", "fresh",
)  # fmt: skip


class OptionsSerializer(ReadingOptionsSerializer):
    """Options of an upload; omitted ones are detected."""

    class_count = WholeField(required=False, allow_null=True, min_value=2)
    class_names = BoundedListField(
        child=serializers.CharField(max_length=255, validators=[one_line]),
        required=False,
        max_length=CLASSES_AT_MOST,
    )
    val_fraction = serializers.FloatField(required=False, min_value=0.05, max_value=0.5)
    test_fraction = serializers.FloatField(
        required=False,
        min_value=0.05,
        max_value=0.5,
        help_text="For the final figures alone; without it no test split is drawn.",
    )
    seed = serializers.IntegerField(required=False, min_value=0, max_value=2**31 - 1)
    layout = serializers.ChoiceField(
        choices=list(LAYOUTS), required=False, help_text="The older name of `as`."
    )
    split = serializers.ChoiceField(
        choices=SPLIT_METHODS,
        required=False,
        help_text="The upload's own split where it brings one, unless this says otherwise.",
    )
    split_group = serializers.CharField(
        max_length=MAX_PATTERN,
        required=False,
        help_text=r"For the split by groups: a regular expression (RE2) whose first group, or whole match, "
        r"in an image's path names what must stay together: `^(.+)_\d+\.jpg$` for frames of a video.",
    )
    mode = serializers.ChoiceField(
        choices=[REPLACE, ADD],
        required=False,
        help_text="`replace`: the files are the whole version (default). `add`: they come to the images of "
        "the newest version, which keep their labels and their split.",
    )
    review = serializers.BooleanField(
        required=False,
        help_text="Wait in the state `review` until somebody confirms how it was read. One that could be "
        "read in several ways waits anyway.",
    )
    fresh = serializers.BooleanField(
        required=False, help_text="Do not read it as the dataset's earlier versions were read."
    )

    def validate(self, data):
        try:
            check_split(data.get("split"), data.get("split_group"))
        except InputError as error:
            raise serializers.ValidationError({"split_group": [shown(error)]}) from error
        return super().validate(data)

    def options(self) -> dict:
        """Options for ``services.create_version``: only those given."""
        data = self.validated_data
        found = {key: data[key] for key in OPTIONS if data.get(key)}
        reading = reading_options.given(data)
        return {**found, "reading": reading} if reading else found


class VersionSerializer(KnownFieldsOnly, OptionsSerializer):
    """The next version of the dataset with this name."""

    name = serializers.CharField(max_length=120, validators=[one_line])

    def validate(self, data):
        if data.get("mode") == ADD:
            try:
                services.check_addable(self.context["request"].team, data["name"])
            except InputError as error:
                raise serializers.ValidationError({"mode": [shown(error)]}) from error
        return super().validate(data)


class ReceivedVersionSerializer(VersionSerializer):
    """A zip of class folders, or any other supported format, from a completed upload."""

    upload = serializers.UUIDField(
        help_text="The id of an upload that is whole.",
        error_messages={
            "required": _("Send the id of an upload, or the file itself as multipart/form-data.")
        },
    )

    def validate_upload(self, pk):
        """The upload itself. Ids of other teams are not found."""
        upload = Upload.objects.for_team(self.context["request"].team).filter(pk=pk).first()
        if upload is None:
            raise serializers.ValidationError(
                shown(msg("There is no upload with this id: send the file first."))
            )
        return upload


class FileVersionSerializer(VersionSerializer):
    """The same in this request. Lists repeat their field; ``roles`` is text, one ``folder=role`` per line."""

    file = serializers.FileField(allow_empty_file=True)

    def get_fields(self):
        fields = {**super().get_fields(), "roles": RolesTextField(required=False)}
        for field in fields.values():
            field.allow_null = False  # a form cannot express it
        return fields

    def validate_file(self, file):
        try:
            upload_limits.check_size(self.context["request"].team, file.name, file.size)
        except UploadRefused as refusal:
            raise serializers.ValidationError(shown(refusal)) from refusal
        return file


class ExportQuerySerializer(serializers.Serializer):
    format = serializers.ChoiceField(choices=list(export.FORMATS), help_text="The layout of the zip.")


class PlaceSerializer(serializers.Serializer):
    """A location that datasets may be imported from, by the administrator's name for it."""

    name = serializers.CharField()
    kind = serializers.ChoiceField(choices=[imports.FOLDER, imports.S3])


class ImportSerializer(VersionSerializer):
    """A folder or an archive at an allowed location; an empty ``path`` means all of it."""

    source = serializers.CharField(max_length=255, help_text="The name of the place.")
    path = serializers.CharField(
        max_length=imports.LONGEST_PATH, required=False, allow_blank=True, default="", help_text="Below it."
    )

    def validate_source(self, name):
        return _or_refused(imports.place, name).name

    def validate_path(self, path):
        return _or_refused(imports.clean_path, path)


def _or_refused(check, value):
    try:
        return check(value)
    except InputError as error:
        raise serializers.ValidationError(shown(error)) from error


class MetadataSerializer(OptionsSerializer):
    """The metadata of a tus upload, all text: lists have one entry per line."""

    filename = serializers.CharField(max_length=255, required=False, allow_blank=True)
    dataset = serializers.CharField(max_length=120, required=False, allow_blank=True, validators=[one_line])

    def to_internal_value(self, data):
        data = {key: value for key, value in data.items() if value != "" or key == "filename"}
        for name in ("class_names", *reading_options.LISTS):
            if name in data:
                data[name] = reading_options.lines_of(data[name])
        return super().to_internal_value(data)

    def clean_filename(self) -> str:
        """The last component of the client's file name, on one line: a browser may send a path."""
        path = self.validated_data.get("filename", "").replace("\\", "/")
        return names.shown(path.rpartition("/")[2]) or "upload"


class UploadsQuerySerializer(serializers.Serializer):
    fingerprint = serializers.CharField(required=False, allow_blank=True, max_length=1000)


class ReceivedUploadSerializer(serializers.ModelSerializer):
    """An upload and its current state."""

    state = serializers.ChoiceField(choices=UploadState.choices)
    message = serializers.SerializerMethodField()
    created_by = serializers.CharField(source="created_by.username", default=None, allow_null=True)
    dataset_version = serializers.IntegerField(source="version_id", allow_null=True)

    class Meta:
        model = Upload
        fields = [
            "id", "state", "message", "filename", "dataset_name", "length", "offset", "percent",
            "dataset_version", "created_by", "created_at", "expires_at",
        ]  # fmt: skip

    def get_message(self, upload) -> str:
        """The message of the check, in the language of the page that follows it; English for programs."""
        return shown(upload.message)
