from rest_framework import serializers

from portal.core.serializers import KnownFieldsOnly
from portal.jobs.serializers import JobSerializer
from portal.models.models import CompiledModel, Evaluation, Model


class LayerSerializer(serializers.Serializer):
    """One operator as it runs on the NPU; cycles are the compiler's estimate."""

    id = serializers.IntegerField()
    type = serializers.CharField()
    name = serializers.CharField()
    target = serializers.CharField(help_text="NPU or CPU")
    cycles = serializers.IntegerField()
    dtype = serializers.CharField(required=False)
    input_shape = serializers.CharField(required=False)
    output_shape = serializers.CharField(required=False)
    cycles_ddr = serializers.IntegerField(required=False)
    cycles_npu = serializers.IntegerField(required=False)
    rw_kb = serializers.FloatField(required=False)


class CostSerializer(serializers.Serializer):
    """The model's cost on the chip; empty until it is built."""

    cycles = serializers.IntegerField(required=False)
    weight_bytes = serializers.IntegerField(required=False, allow_null=True)
    feature_bytes = serializers.IntegerField(required=False, allow_null=True)
    cpu_ops = serializers.ListField(child=serializers.CharField(), required=False)
    layers = LayerSerializer(many=True, required=False)


class DriftSerializer(serializers.Serializer):
    """How far the scores of an image moved, 0 to 1: mean and maximum over all images."""

    mean = serializers.FloatField(allow_null=True)
    worst = serializers.FloatField(allow_null=True)


class ClassParitySerializer(serializers.Serializer):
    """A class at two stages: its recall or AP, and the share of equal predictions. 0 to 1."""

    id = serializers.IntegerField()
    before = serializers.FloatField()
    after = serializers.FloatField()
    agreement = serializers.FloatField(allow_null=True)


class ParitySerializer(serializers.Serializer):
    """This stage compared with the previous one, on the images that both predicted; empty for the first
    stage.

    ``before``, ``after``, ``drop`` and ``agreement`` are fractions from 0 to 1.
    """

    stage = serializers.CharField(required=False, help_text="the stage before")
    images = serializers.IntegerField(required=False)
    before = serializers.FloatField(required=False, allow_null=True)
    after = serializers.FloatField(required=False, allow_null=True)
    drop = serializers.FloatField(required=False, allow_null=True)
    agreement = serializers.FloatField(required=False, allow_null=True)
    changed = serializers.IntegerField(required=False)
    lost = serializers.IntegerField(required=False, help_text="images that became worse")
    gained = serializers.IntegerField(required=False, help_text="images that became better")
    drift = DriftSerializer(required=False)
    classes = ClassParitySerializer(many=True, required=False)


class EvaluationSerializer(serializers.ModelSerializer):
    """Metrics of one artifact on one engine and one set of images."""

    parity = ParitySerializer()

    class Meta:
        model = Evaluation
        fields = [
            "id", "model", "compiled_model", "device", "job", "stage", "engine", "dataset_version", "split",
            "images", "value", "metrics", "parity", "predictions", "created_at",
        ]  # fmt: skip


class ModelSerializer(serializers.ModelSerializer):
    job = JobSerializer()

    class Meta:
        model = Model
        fields = [
            "id", "name", "origin", "task", "recipe", "params", "dataset_version", "parent", "teacher",
            "unlabelled", "job", "facts", "score_threshold", "created_at",
        ]  # fmt: skip


class ThresholdSerializer(KnownFieldsOnly, serializers.Serializer):
    """The editable part of a model."""

    score_threshold = serializers.FloatField(
        min_value=0, max_value=1, allow_null=True, help_text="detection: boxes are shown from it on"
    )


class CompiledModelSerializer(serializers.ModelSerializer):
    job = JobSerializer()

    class Meta:
        model = CompiledModel
        fields = ["id", "model", "job", "chip", "channel_order", "quantization", "chosen", "facts"]
