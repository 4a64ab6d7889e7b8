from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema_field, extend_schema_serializer
from rest_framework import serializers

from portal.core.deprecation import deprecated_fields
from portal.history import entries
from portal.history.filters import RUN
from portal.jobs.models import Status
from portal.runs.serializers import TOP1_SINCE

MOST = 200
NO_HASH = _("Give a SHA-256 of 64 hexadecimal digits, or its first 8 at least.")


class HistoryQuerySerializer(serializers.Serializer):
    before = serializers.CharField(
        required=False, max_length=40, help_text="Where to go on: stands in `next`."
    )
    limit = serializers.IntegerField(
        default=entries.PAGE_SIZE, min_value=1, max_value=MOST, help_text="Entries a page."
    )

    def validate_before(self, text: str) -> entries.Place:
        place = entries.Place.read(text)
        if place is None:
            raise serializers.ValidationError(_("This is no place in the history: take it from “next”."))
        return place


class ProvenanceQuerySerializer(serializers.Serializer):
    sha256 = serializers.RegexField(
        r"^[0-9a-fA-F]{8,64}$",
        help_text="A SHA-256, or its first digits.",
        error_messages=dict.fromkeys(("required", "blank", "invalid"), NO_HASH),
    )


@deprecated_fields("top1", since=TOP1_SINCE)
class EntrySerializer(serializers.Serializer):
    """A run or a job of the history."""

    type = serializers.SerializerMethodField()
    id = serializers.IntegerField(source="row.pk", help_text="of the run or the job")
    kind = serializers.CharField(help_text="run, or the job's kind")
    name = serializers.SerializerMethodField(help_text="the run's; null for a job")
    about = serializers.CharField(
        source="about.words", default=None, allow_null=True, help_text="what it was done for"
    )
    status = serializers.ChoiceField(choices=Status.choices, source="row.status")
    message = serializers.CharField(source="row.message", help_text="why it failed")
    created_by = serializers.CharField(source="row.created_by.username", default=None, allow_null=True)
    created_at = serializers.DateTimeField(source="row.created_at")
    finished_at = serializers.DateTimeField(source="row.finished_at", allow_null=True)
    seconds = serializers.FloatField(allow_null=True, help_text="how long it took, or takes until now")
    recipe = serializers.CharField(source="row.recipe", default=None, allow_null=True)
    chips = serializers.ListField(child=serializers.CharField())
    devices = serializers.ListField(child=serializers.CharField())
    tags = serializers.ListField(child=serializers.CharField())
    value = serializers.FloatField(allow_null=True, help_text="the trained model's metric, a fraction")
    top1 = serializers.FloatField(source="value", allow_null=True, help_text="the same as `value`")
    page = serializers.CharField(source="url", help_text="the address of its page")

    @extend_schema_field(serializers.ChoiceField([RUN, "job"]))
    def get_type(self, entry) -> str:
        return RUN if entry.is_run else "job"

    def get_name(self, entry) -> str | None:
        return entry.row.name if entry.is_run else None


@extend_schema_serializer(many=False)
class HistoryPageSerializer(serializers.Serializer):
    """A page of the history. Pages go forward only: ``previous`` is always null."""

    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)
    results = EntrySerializer(many=True)


class MatchPlaceSerializer(serializers.Serializer):
    """A device that runs the file now."""

    device = serializers.CharField(source="device.name")
    device_id = serializers.IntegerField()
    release = serializers.CharField()


class MatchSerializer(serializers.Serializer):
    """A file of a job, or the content of a dataset. ``run`` and ``dataset_version`` name its owner."""

    name = serializers.CharField()
    sha256 = serializers.CharField()
    bytes = serializers.IntegerField(source="size", allow_null=True)
    run = serializers.IntegerField(source="run.pk", default=None)
    dataset_version = serializers.IntegerField(source="version.pk", default=None)
    devices = MatchPlaceSerializer(many=True, source="places")
    page = serializers.CharField(source="url", help_text="the address of the page that tells more")


@extend_schema_serializer(many=False)
class MatchesSerializer(serializers.Serializer):
    """Up to twenty matches, newest first."""

    matches = MatchSerializer(many=True)
