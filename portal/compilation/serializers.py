from rest_framework import serializers

from portal.compilation import layer_errors, quantization
from portal.compilation.models import LayerErrors, QuantizationSearch
from portal.core.field_messages import IMAGES
from portal.core.names import one_line
from portal.core.serializers import BoundedListField, InTeamField, KnownFieldsOnly
from portal.jobs.models import Status
from portal.jobs.serializers import JobSerializer
from portal.models.models import Model
from portal.models.serializers import CompiledModelSerializer
from workers.contract.quantization import ALGORITHMS, CHOICES, FLOAT_DTYPE, LAYERS_AT_MOST, METHODS


class SettingsSerializer(KnownFieldsOnly, serializers.Serializer):
    """How a model is quantized; omitted settings have their defaults."""

    dtype = serializers.ChoiceField(
        choices=[FLOAT_DTYPE], required=False, allow_null=True, help_text="null is the chip's int8"
    )
    algorithm = serializers.ChoiceField(choices=ALGORITHMS, required=False)
    method = serializers.ChoiceField(
        choices=METHODS, required=False, help_text="a scale for each channel of the weights, or one a layer"
    )
    calibration_images = serializers.IntegerField(
        min_value=1, max_value=quantization.IMAGES_AT_MOST, required=False
    )
    choice = serializers.ChoiceField(
        choices=CHOICES, required=False, help_text="how calibration images are chosen"
    )
    seed = serializers.IntegerField(min_value=0, max_value=2**31 - 1, required=False)
    int16_layers = BoundedListField(
        child=serializers.CharField(max_length=quantization.LAYER_LENGTH, validators=[one_line]),
        required=False,
        max_length=LAYERS_AT_MOST,
        help_text="names of layers to compute in 16 bits; not proven on boards",
    )


class TargetSerializer(KnownFieldsOnly, serializers.Serializer):
    """A chip that the model was compiled for before; the channel order defaults to the usual one."""

    model = InTeamField(queryset=Model.objects.live())
    chip = serializers.CharField(max_length=20)
    channel_order = serializers.ChoiceField(choices=["rgb", "bgr"], required=False)


class NewVariantSerializer(TargetSerializer):
    """One more compiled model, with other settings."""

    quantization = SettingsSerializer(required=False)


class NewSearchSerializer(TargetSerializer):
    """What to search for."""

    allowed_drop = serializers.FloatField(
        min_value=0, max_value=1, help_text="of the task's metric, from ONNX to the chip: 0.01 is a point"
    )


class LayerErrorSerializer(serializers.Serializer):
    """A cosine of 1 is no error. ``single_…`` is the layer's own error, the others the accumulated error."""

    type = serializers.CharField()
    name = serializers.CharField()
    fused = serializers.ListField(child=serializers.CharField())
    cosine = serializers.FloatField(allow_null=True)
    euclidean = serializers.FloatField(allow_null=True)
    single_cosine = serializers.FloatField(allow_null=True)
    single_euclidean = serializers.FloatField(allow_null=True)
    outlier = serializers.FloatField(
        allow_null=True, help_text="a weight that stands out, as the toolkit says"
    )


class LayerErrorsSerializer(serializers.ModelSerializer):
    job = JobSerializer()
    layers = LayerErrorSerializer(many=True)

    class Meta:
        model = LayerErrors
        fields = ["id", "compiled_model", "job", "images", "layers"]


class NewLayerErrorsSerializer(KnownFieldsOnly, serializers.Serializer):
    images = serializers.IntegerField(
        min_value=1, max_value=layer_errors.IMAGES_AT_MOST, default=layer_errors.IMAGES, error_messages=IMAGES
    )


class SearchSerializer(serializers.ModelSerializer):
    """``variants`` lists those that the search compiled. ``met``, ``outcome`` and ``found`` are set at its
    end: ``found`` is the chosen variant, or, if none holds the limit, the nearest one, which is not chosen.
    """

    status = serializers.ChoiceField(Status.choices, help_text="running while its variants are compiled")
    job = JobSerializer()
    variants = CompiledModelSerializer(many=True, source="started")

    class Meta:
        model = QuantizationSearch
        fields = [
            "id", "model", "chip", "channel_order", "allowed_drop", "status", "job", "met", "outcome",
            "found", "variants",
        ]  # fmt: skip
