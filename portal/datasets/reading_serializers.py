"""Serializers of how an upload is read: options and result."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.utils import html

from portal.core.messages import shown
from portal.core.names import one_line
from portal.core.serializers import BoundedListField
from portal.datasets import reading_options
from portal.datasets.states import UploadState
from workers.contract.messages import msg
from workers.datakit.errors import InputError
from workers.datakit.readers import LAYOUTS

COLUMN = 200  # characters of a column title
PATH = 500  # of a path in the upload
ENTRIES = 1_000


@extend_schema_field(
    {
        "type": "object",
        "additionalProperties": {"type": "string", "enum": list(reading_options.ROLES)},
        "maxProperties": ENTRIES,
    }
)
class RolesField(serializers.DictField):
    """Roles by folder; as text from forms and the metadata of tus, ``folder=role`` per line."""

    def get_value(self, dictionary):
        text = dictionary.get(self.field_name) if html.is_html_input(dictionary) else None
        return text if text else super().get_value(dictionary)

    def to_internal_value(self, data):
        if isinstance(data, str):
            try:
                data = dict(map(reading_options.role_of, reading_options.lines_of(data)))
            except InputError as error:
                raise serializers.ValidationError(shown(error)) from error
        if isinstance(data, dict) and len(data) > ENTRIES:
            raise serializers.ValidationError(
                shown(msg("At most {most} folders can be named.", most=ENTRIES))
            )
        found = super().to_internal_value(data)
        for folder in found:
            _check_folder(folder)
        return found


@extend_schema_field({"type": "string", "maxLength": ENTRIES * PATH})
class RolesTextField(RolesField):
    """Roles in a form, for the schema: one ``folder=role`` per line."""


def _check_folder(folder: str) -> None:
    if len(folder) > PATH:
        raise serializers.ValidationError(
            shown(msg("A folder's name has at most {most} characters.", most=PATH))
        )
    one_line(folder)


def fields_of_reading() -> dict[str, serializers.Field]:
    """The fields of the reading options; a function, because one of them is called ``as``."""
    text = {"max_length": COLUMN, "validators": [one_line], "required": False, "allow_null": True}

    def path() -> serializers.CharField:
        return serializers.CharField(max_length=PATH, validators=[one_line])

    return {
        "as": serializers.ChoiceField(
            choices=list(LAYOUTS), required=False, allow_null=True, help_text="The format; found otherwise."
        ),
        "label_column": serializers.CharField(
            **text, help_text="The column of a table that holds the class: its title, or its number from 1."
        ),
        "image_column": serializers.CharField(**text, help_text="The column that names the image."),
        "split_column": serializers.CharField(**text, help_text="The column that names the split."),
        "one_hot": BoundedListField(
            child=serializers.CharField(max_length=COLUMN, validators=[one_line]), required=False,
            max_length=ENTRIES, help_text="Columns that are a class each and hold 0 or 1.",
        ),
        "tables": BoundedListField(
            child=path(), required=False, max_length=ENTRIES, help_text="The tables to use, and no other."
        ),
        "ids_from": serializers.IntegerField(
            required=False, allow_null=True, min_value=0, max_value=1, help_text="The first class id: 0 or 1."
        ),
        "ignore": BoundedListField(
            child=path(), required=False, max_length=ENTRIES, help_text="What to leave out; `*` allowed."
        ),
        "roles": RolesField(
            child=serializers.ChoiceField(choices=reading_options.ROLES), required=False,
            help_text="What folders are: `{\"seg_train\": \"train\"}`.",
        ),
    }  # fmt: skip


class ReadingOptionsSerializer(serializers.Serializer):
    """How to read the files, if inspection leaves a doubt. Omitted fields are detected."""

    def get_fields(self):
        return {**super().get_fields(), **fields_of_reading()}


class FolderRoleSerializer(serializers.Serializer):
    folder = serializers.CharField()
    role = serializers.ChoiceField(reading_options.ROLES)
    images = serializers.IntegerField()


class ReadClassSerializer(serializers.Serializer):
    name = serializers.CharField()
    images = serializers.IntegerField()
    train = serializers.IntegerField(required=False)
    val = serializers.IntegerField(required=False)
    test = serializers.IntegerField(required=False)


class ReadSplitSerializer(serializers.Serializer):
    origin = serializers.CharField(allow_null=True, help_text="What it comes from; null: it is drawn.")
    train = serializers.IntegerField()
    val = serializers.IntegerField()
    test = serializers.IntegerField(required=False)


class LeftOutSerializer(serializers.Serializer):
    """One kind of ignored content."""

    kind = serializers.CharField()
    count = serializers.IntegerField()
    reason = serializers.CharField()
    examples = serializers.ListField(child=serializers.CharField(), help_text="Ten at most.")


class UnreadSerializer(serializers.Serializer):
    count = serializers.IntegerField()
    examples = serializers.ListField(child=serializers.CharField(), help_text="Ten at most.")


class ReadingSerializer(serializers.Serializer):
    """One way to read an upload."""

    format = serializers.CharField(help_text="What `as` takes.")
    name = serializers.CharField()
    task = serializers.CharField(allow_null=True)
    images = serializers.IntegerField()
    class_count = serializers.IntegerField()
    classes = ReadClassSerializer(many=True, help_text="200 at most.")
    roles = FolderRoleSerializer(many=True, help_text="The top folders, 200 at most.")
    split = ReadSplitSerializer()
    options = serializers.DictField(help_text="What one would say to have it read so again.")
    columns = serializers.ListField(
        child=serializers.CharField(), required=False, help_text="Of the table, 200 at most."
    )
    left_out = LeftOutSerializer(many=True)
    unread = UnreadSerializer(help_text="Files that could not be read.")
    problem = serializers.CharField(allow_null=True, help_text="Why nothing can be read this way.")

    def get_fields(self):
        """With ``for`` and ``against``: ``for`` is a Python keyword."""
        lists = {"for": "What speaks for it.", "against": "What speaks against it."}
        signs = {
            name: serializers.ListField(child=serializers.CharField(), help_text=text)
            for name, text in lists.items()
        }
        return {**super().get_fields(), **signs}


class JudgementSerializer(serializers.Serializer):
    """How an upload was read, and the alternatives."""

    state = serializers.ChoiceField(choices=UploadState.choices)
    certain = serializers.BooleanField(help_text="False: more than one reading is possible.")
    question = serializers.CharField(allow_null=True, help_text="What is in doubt, and how to settle it.")
    chosen = ReadingSerializer(allow_null=True)
    alternatives = ReadingSerializer(many=True)
    said = serializers.DictField(help_text="What was said about it.")
    remembered = serializers.DictField(
        allow_null=True, help_text="What the dataset remembers of an earlier version."
    )
    confirmed_by = serializers.CharField(allow_null=True)
    confirmed_at = serializers.DateTimeField(allow_null=True)

    @staticmethod
    def of(version) -> dict[str, Any]:
        """The data of a version whose check has ended."""
        person = version.confirmed_by
        found = version.reading or {}
        return {
            "state": version.state,
            "certain": found.get("certain", True),
            "question": found.get("question"),
            "chosen": found.get("chosen"),
            "alternatives": found.get("alternatives", []),
            "said": version.options.get("reading", {}),
            "remembered": version.options.get("remembered"),
            "confirmed_by": person.get_username() if person else None,
            "confirmed_at": version.confirmed_at,
        }
