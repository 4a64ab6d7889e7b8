from rest_framework import serializers

from portal.core.names import one_line
from portal.core.serializers import InTeamField, KnownFieldsOnly
from portal.datasets.models import Upload
from portal.jobs.serializers import JobSerializer
from portal.models.model_files import DETECTORS, ModelFile

FORMATS = ("onnx", "paddle")


class TensorSerializer(serializers.Serializer):
    """An input or output; a dimension that the file does not fix is its name or null."""

    name = serializers.CharField()
    type = serializers.CharField()
    shape = serializers.ListField(child=serializers.JSONField(allow_null=True), allow_null=True)


class ChipFitSerializer(serializers.Serializer):
    """What a chip would make of the network, estimated before anything is built."""

    chip = serializers.CharField()
    fits = serializers.BooleanField()
    problems = serializers.ListField(child=serializers.CharField(), help_text="Why it will not run there.")
    cpu = serializers.ListField(child=serializers.CharField(), help_text="Operators not on the NPU.")
    unknown = serializers.ListField(child=serializers.CharField(), help_text="Operators never tried there.")
    cycles = serializers.IntegerField()
    memory_bytes = serializers.IntegerField()


class NetworkDiffSerializer(serializers.Serializer):
    """What was changed: pairs hold the file's network, then the one that is compiled."""

    operators = serializers.ListField(
        child=serializers.ListField(child=serializers.JSONField()),
        help_text="[name, count before, count after]",
    )
    nodes = serializers.ListField(child=serializers.IntegerField())
    inputs = serializers.ListField(child=TensorSerializer(many=True))
    outputs = serializers.ListField(child=TensorSerializer(many=True))


class ScoredOutputSerializer(serializers.Serializer):
    """An output that may be the scores of classes."""

    output = serializers.CharField()
    classes = serializers.IntegerField()


class InspectionSerializer(serializers.Serializer):
    """What the file is. ``refusal`` says why no run can use it; fields from ``task`` on are then missing."""

    format = serializers.ChoiceField(choices=FORMATS)
    sha256 = serializers.CharField()
    bytes = serializers.IntegerField()
    opset = serializers.IntegerField()
    producer = serializers.CharField(allow_blank=True)
    is_quantized = serializers.BooleanField()
    inputs = TensorSerializer(many=True)
    outputs = TensorSerializer(many=True)
    operators = serializers.ListField(
        child=serializers.ListField(child=serializers.JSONField()), help_text="[name, count]"
    )
    refusal = serializers.CharField(allow_blank=True)
    chips = ChipFitSerializer(many=True)
    task = serializers.CharField(required=False)
    classes = serializers.IntegerField(required=False)
    detector = serializers.CharField(
        allow_blank=True,
        required=False,
        help_text=f"The family of a detector ({', '.join(DETECTORS)}); empty for other networks.",
    )
    not_deployable_to = serializers.ListField(
        child=serializers.CharField(),
        help_text="Board profiles whose library does not decode this detector. It can be compiled and "
        "measured for their chip.",
    )
    input_size = serializers.ListField(child=serializers.IntegerField(), required=False)
    choices = ScoredOutputSerializer(
        many=True,
        required=False,
        help_text="Outputs that may be the scores; the first is compiled unless `output` names another one.",
    )
    is_free = serializers.BooleanField(required=False, help_text="Whether another input size can be chosen.")
    fixes = serializers.ListField(child=serializers.CharField(), required=False)
    diff = NetworkDiffSerializer(required=False)
    macs = serializers.IntegerField(required=False)
    parameters = serializers.IntegerField(required=False)
    versions = serializers.DictField(child=serializers.CharField())


class ModelFileListSerializer(serializers.ModelSerializer):
    job = JobSerializer()

    class Meta:
        model = ModelFile
        fields = ["id", "name", "filename", "bytes", "job", "created_at"]


class ModelFileSerializer(ModelFileListSerializer):
    inspection = serializers.SerializerMethodField(help_text="null until the job has succeeded")

    class Meta(ModelFileListSerializer.Meta):
        fields = [*ModelFileListSerializer.Meta.fields, "inspection"]

    def get_inspection(self, file) -> InspectionSerializer(allow_null=True):
        facts = file.facts | {"not_deployable_to": file.closed_boards}
        return InspectionSerializer(facts).data if file.is_inspected else None


class NewModelFileSerializer(KnownFieldsOnly, serializers.Serializer):
    """A complete upload, of ``/api/v1/uploads/`` without ``dataset``."""

    upload = InTeamField(queryset=Upload.objects.all(), pk_field=serializers.UUIDField())
    name = serializers.CharField(max_length=120, required=False, validators=[one_line])
