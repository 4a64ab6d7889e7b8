"""Serializers shared by several apps: errors, and the contents of ``configs/``."""

import re
from collections.abc import Collection, Mapping
from types import UnionType
from typing import Any, Literal, TypedDict, Union, get_args, get_origin, get_type_hints

from django.utils.translation import gettext_lazy as _
from rest_framework import serializers
from rest_framework.utils import html

from portal.core import configs
from portal.core.known import refuse_unknown_fields


class ProblemSerializer(serializers.Serializer):
    """Problem details (RFC 9457)."""

    type = serializers.CharField()
    title = serializers.CharField()
    status = serializers.IntegerField()
    detail = serializers.CharField(help_text="A sentence for a person: what is wrong and what to do.")
    errors = serializers.DictField(
        required=False, help_text="The sentences by field; under an empty name those about the whole."
    )


# A mixin before ``Serializer`` for request bodies: unknown and read-only fields are rejected. ``inside``: the
# names allowed in the object that a field holds. (The schema would repeat a docstring.)
class KnownFieldsOnly:
    inside: Mapping[str, Collection[str]] = {}

    def to_internal_value(self, data):
        if isinstance(data, Mapping):
            # A form encodes the entries of a list or an object as ``name[0]`` or ``name.key``.
            names = (re.split(r"[.\[]", name)[0] if html.is_html_input(data) else name for name in data)
            refuse_unknown_fields(names, [field.field_name for field in self._writable_fields], self.inside)
        return super().to_internal_value(data)


class WholeField(serializers.IntegerField):
    """A whole number from 0, or from ``min_value``, that fits the database."""

    def __init__(self, *, min_value: int = 0, max_value: int = 2**62, **more):
        super().__init__(min_value=min_value, max_value=max_value, **more)


class BoundedListField(serializers.ListField):
    """A list whose length is checked before its entries: each may cost a query or a sentence."""

    def __init__(self, *, max_length: int, **kwargs):
        super().__init__(max_length=max_length, **kwargs)

    def to_internal_value(self, data):
        if isinstance(data, list | tuple) and len(data) > self.max_length:
            sentence = self.error_messages["max_length"]
            raise serializers.ValidationError(sentence.format(max_length=self.max_length))
        return super().to_internal_value(data)


class ChoiceOrNull(serializers.ChoiceField):
    """A choice that may be unset: an empty text in the row, null in the response."""

    def __init__(self, choices, **more):
        super().__init__(choices, allow_null=True, **more)

    def to_representation(self, value):
        return super().to_representation(value) or None


class InTeamField(serializers.PrimaryKeyRelatedField):
    """A row of the caller's team. Ids of other teams are not found."""

    default_error_messages = {
        "does_not_exist": _("Your team has nothing with the number {pk_value} here: choose another."),
        "incorrect_type": _("Give its id, a whole number."),
    }

    def get_queryset(self):
        request = self.context.get("request")
        queryset = super().get_queryset()
        return queryset.for_team(request.team) if request and hasattr(request, "team") else queryset.none()


def described(kind: type, without: tuple[str, ...] = ()) -> Any:
    """Describe a dataclass of ``configs`` to the schema generator, which knows TypedDicts of plain types."""
    hints = {name: _plain(hint) for name, hint in get_type_hints(kind).items() if name not in without}
    made = TypedDict(kind.__name__, hints)
    made.__doc__ = kind.__doc__
    return made


def _plain(hint: Any) -> Any:
    if get_origin(hint) is tuple:
        return list[_plain(get_args(hint)[0])]
    if get_origin(hint) is UnionType or get_origin(hint) is Union:
        return Union[tuple(_plain(one) for one in get_args(hint))]  # noqa: UP007 (made at run time)
    is_text = get_origin(hint) is Literal or (isinstance(hint, type) and issubclass(hint, str))
    return str if is_text else hint


Chip = described(configs.Chip)
BoardProfile = described(configs.BoardProfile, without=configs.INTERNAL)


class RecipeCostSerializer(serializers.Serializer):
    """The measured cost of a recipe on a chip at one input size."""

    chip = serializers.CharField()
    input_size = serializers.ListField(child=serializers.IntegerField())
    cycles = serializers.IntegerField()
    memory_megabytes = serializers.FloatField()
    rknn_megabytes = serializers.FloatField()
    build_seconds = serializers.FloatField()
    cpu_operators = serializers.ListField(child=serializers.CharField(), required=False)


class RecipeRefusalSerializer(serializers.Serializer):
    """The compiler does not build a recipe at this input size for the chip: runs with it are refused."""

    chip = serializers.CharField()
    input_size = serializers.ListField(child=serializers.IntegerField())
    reason = serializers.CharField()


class PruningLimitSerializer(serializers.Serializer):
    """The smallest fraction of a recipe's cost that pruning can leave at an input size."""

    input_size = serializers.ListField(child=serializers.IntegerField())
    cycles = serializers.FloatField()
    macs = serializers.FloatField()


class RecipeSerializer(serializers.Serializer):
    """A trainable model. ``chips`` holds the measurements on each supported chip, ``costs`` those for each
    input size.
    """

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
    pretrained = serializers.DictField(child=serializers.CharField(allow_null=True), allow_null=True)
    chips = serializers.DictField(child=serializers.DictField(child=serializers.FloatField()))
    license = serializers.CharField()
    costs = RecipeCostSerializer(many=True, required=False)
    refused = RecipeRefusalSerializer(many=True, required=False)
    pruning = PruningLimitSerializer(many=True, required=False)
    unprunable = serializers.BooleanField(required=False)
    ssld = serializers.DictField(
        child=serializers.CharField(allow_null=True),
        allow_null=True,
        required=False,
        help_text="More accurate pretrained weights, made by distillation; used where they are found.",
    )


class PresetSerializer(serializers.Serializer):
    """A recipe with its training parameters; missing ones default to the recipe's."""

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
