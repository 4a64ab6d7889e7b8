"""What the endpoints share: refusals, and what stands in ``configs/``."""

from typing import TypedDict

from rest_framework import serializers


class ProblemSerializer(serializers.Serializer):
    """Problem details (RFC 9457)."""

    type = serializers.CharField()
    title = serializers.CharField()
    status = serializers.IntegerField()
    detail = serializers.CharField(help_text="A sentence for a person: what is wrong and what to do.")
    errors = serializers.DictField(
        required=False, help_text="The sentences by field; under an empty name those about the whole."
    )


class BoundedListField(serializers.ListField):
    """A list that is counted before it is looked into: each entry may cost a query, or a sentence."""

    def __init__(self, *, max_length: int, **kwargs):
        super().__init__(max_length=max_length, **kwargs)

    def to_internal_value(self, data):
        if isinstance(data, list | tuple) and len(data) > self.max_length:
            sentence = self.error_messages["max_length"]
            raise serializers.ValidationError(sentence.format(max_length=self.max_length))
        return super().to_internal_value(data)


class InTeamField(serializers.PrimaryKeyRelatedField):
    """A row of the asker's team; another team's id is as unknown as any other."""

    def get_queryset(self):
        request = self.context.get("request")
        queryset = super().get_queryset()
        return queryset.for_team(request.team) if request and hasattr(request, "team") else queryset.none()


class Chip(TypedDict):
    """An NPU target. ``None`` is what nobody has measured or the vendor does not tell."""

    name: str
    title: str
    target_platform: str
    int8_only: bool
    npu_tops: float | None
    npu_clock_mhz: float | None
    ram_mb: int | None
    model_memory_mb: int | None
    max_input_side: int
    cpu_operators: list[str] | None
    channel_order: str


class BoardProfile(TypedDict):
    """A kind of device: how to reach it and what it can."""

    name: str
    title: str
    virtual: bool
    chip: str
    driver: str
    channel_order: str
    root: str
    address: str
    port: int
    user: str
    free_space_bytes: int
    keep_releases: int
    notes: str


class RecipeSerializer(serializers.Serializer):
    """A trainable model. ``chips`` holds what was measured on each chip it is proven on."""

    name = serializers.CharField()
    title = serializers.CharField()
    summary = serializers.CharField()
    task = serializers.CharField()
    model = serializers.CharField()
    architecture = serializers.CharField()
    input_size = serializers.ListField(child=serializers.IntegerField())
    input_sizes = serializers.ListField(child=serializers.ListField(child=serializers.IntegerField()))
    mean = serializers.ListField(child=serializers.FloatField())
    std = serializers.ListField(child=serializers.FloatField())
    defaults = serializers.DictField(child=serializers.FloatField())
    augmentation = serializers.CharField()
    presets = serializers.ListField(child=serializers.CharField())
    pretrained = serializers.DictField(child=serializers.CharField(allow_null=True))
    chips = serializers.DictField(child=serializers.DictField(child=serializers.FloatField()))
    license = serializers.CharField()


class PresetSerializer(serializers.Serializer):
    """A recipe with how to train it; what it leaves out is the recipe's default."""

    title = serializers.CharField()
    summary = serializers.CharField()
    recipe = serializers.CharField()
    input_size = serializers.ListField(child=serializers.IntegerField())
    epochs = serializers.IntegerField()
    augmentation = serializers.CharField()
    batch_size = serializers.IntegerField(required=False)
    learning_rate = serializers.FloatField(required=False)
    pretrained = serializers.BooleanField(required=False)


class RecipesSerializer(serializers.Serializer):
    """Recipes and presets by name."""

    recipes = serializers.DictField(child=RecipeSerializer())
    presets = serializers.DictField(child=PresetSerializer())
