from rest_framework import serializers

from portal.conversions.models import CompiledModel
from portal.jobs.serializers import JobSerializer


class ClassParitySerializer(serializers.Serializer):
    """One class; its accuracies are ``None`` where it has no images."""

    id = serializers.IntegerField()
    name = serializers.CharField()
    images = serializers.IntegerField()
    onnx_top1 = serializers.FloatField(allow_null=True)
    int8_top1 = serializers.FloatField(allow_null=True)


class ParitySerializer(serializers.Serializer):
    """What ONNX and int8 answered to the same images. Fractions from 0 to 1; empty until measured."""

    images = serializers.IntegerField(required=False)
    onnx_top1 = serializers.FloatField(required=False, allow_null=True)
    int8_top1 = serializers.FloatField(required=False, allow_null=True)
    drop = serializers.FloatField(required=False, help_text="ONNX top-1 less int8 top-1")
    agreement = serializers.FloatField(required=False, allow_null=True)
    per_class = ClassParitySerializer(many=True, required=False)


class LayerSerializer(serializers.Serializer):
    """One operator as the NPU runs it; cycles are the compiler's estimate."""

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
    """What the model takes on the chip; empty until it was built."""

    cycles = serializers.IntegerField(required=False)
    weight_bytes = serializers.IntegerField(required=False, allow_null=True)
    feature_bytes = serializers.IntegerField(required=False, allow_null=True)
    cpu_ops = serializers.ListField(child=serializers.CharField(), required=False)
    layers = LayerSerializer(many=True, required=False)


class CompiledModelSerializer(serializers.ModelSerializer):
    job = JobSerializer(allow_null=True)

    class Meta:
        model = CompiledModel
        fields = ["id", "run", "job", "chip", "channel_order", "facts"]


class _WithJobs(serializers.ListSerializer):
    """Of a run, with their jobs at once."""

    def to_representation(self, data):
        return super().to_representation(data.select_related("job__created_by"))


class RunCompiledModelSerializer(CompiledModelSerializer):
    class Meta(CompiledModelSerializer.Meta):
        list_serializer_class = _WithJobs
