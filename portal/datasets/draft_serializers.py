"""Serializers of drafts, their changes, and the images of a version."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from portal.core.names import one_line
from portal.core.serializers import BoundedListField, KnownFieldsOnly, WholeField
from portal.datasets.box_checks import MAX_BOXES
from portal.datasets.change_checks import DRAWINGS, MAX_IDS
from portal.datasets.draft_models import Draft, DraftState, Proposal
from portal.datasets.edit_forms import LONGEST
from workers.contract.splits import SPLITS
from workers.datakit import sources
from workers.datakit.changes import KINDS
from workers.datakit.grouping import MAX_PATTERN
from workers.datakit.index import Filter

# Proposals are accepted by a separate call, so that nobody can claim a proposal that no model made.
CHANGE_KINDS = [kind for kind in KINDS if kind != "accept"]


class ImageFilterSerializer(KnownFieldsOnly, serializers.Serializer):
    """Selects images; omitted fields do not filter. Classes and findings are those of the base."""

    class_id = WholeField(required=False, help_text="with this class, or with a box of it")
    split = serializers.ChoiceField(choices=SPLITS, required=False)
    mark = serializers.CharField(required=False, max_length=60, help_text="the code of a finding")
    text = serializers.CharField(required=False, max_length=LONGEST, help_text="a part of the path")
    unlabelled = serializers.BooleanField(required=False, help_text="those with neither a class nor a box")


def filter_of(data: dict) -> Filter:
    """The validated data of ``ImageFilterSerializer`` as a filter of the index."""
    return Filter(**{side: data[side] for side in ImageFilterSerializer().fields if side in data})


class ImagesQuerySerializer(ImageFilterSerializer):
    after = WholeField(required=False, default=0, help_text="an image's id")
    limit = serializers.IntegerField(required=False, default=100, min_value=1, max_value=1000)


class ImageProposedSerializer(serializers.Serializer):
    """The model that proposed labels of an image."""

    model = serializers.IntegerField()
    name = serializers.CharField(source="by", help_text="the model's name when it proposed them")


class VersionImageSerializer(serializers.Serializer):
    """An image of a version; ``class_id`` is null in a detection dataset, and before it has a class."""

    id = serializers.IntegerField()
    name = serializers.CharField(help_text="the file's name in the staged folder")
    original = serializers.CharField(help_text="its path in the upload")
    sha256 = serializers.CharField()
    width = serializers.IntegerField()
    height = serializers.IntegerField()
    size = serializers.IntegerField(help_text="bytes")
    class_id = serializers.IntegerField(allow_null=True)
    split = serializers.ChoiceField(choices=SPLITS)
    boxes = serializers.ListField(
        source="box_rows",
        child=serializers.ListField(child=serializers.FloatField()),
        help_text="[class id, left, top, width, height] in pixels; empty in any other set",
    )
    marks = serializers.ListField(child=serializers.CharField(), help_text="codes of its findings")
    proposed = ImageProposedSerializer(allow_null=True)
    origins = serializers.SerializerMethodField(
        help_text="of each box, in their order: a proposal that was `accepted` or `corrected`, or empty"
    )

    source = serializers.SerializerMethodField(
        help_text="`device`, `taken_at` and `release` of an image that came back from a device"
    )

    @extend_schema_field({"type": "object", "additionalProperties": {"type": "string"}, "nullable": True})
    def get_source(self, row) -> dict[str, str] | None:
        return sources.of(row)

    def get_origins(self, row) -> list[str]:
        return row.proposed.origins(row.box_rows()) if row.proposed else [""] * len(row.box_rows())


class VersionImagesSerializer(serializers.Serializer):
    """Images ordered by id; ``next`` is the ``after`` of the next page, null at the end."""

    count = serializers.IntegerField(help_text="of all that the filter shows")
    images = VersionImageSerializer(many=True)
    next = serializers.IntegerField(allow_null=True)


class DraftSerializer(serializers.ModelSerializer):
    """A person's changes to a version. ``changes`` counts those in effect."""

    dataset_version = serializers.IntegerField(source="base_id")
    state = serializers.ChoiceField(choices=DraftState.choices)
    changes = serializers.IntegerField(source="length")
    new_version = serializers.IntegerField(
        source="version_id", allow_null=True, help_text="what became of it; null before"
    )

    class Meta:
        model = Draft
        fields = [
            "id",
            "dataset",
            "dataset_version",
            "state",
            "message",
            "changes",
            "new_version",
            "created_at",
        ]


class NewDraftSerializer(KnownFieldsOnly, serializers.Serializer):
    dataset_version = WholeField(min_value=1)


def _boxes_field(help_text: str) -> BoundedListField:
    box = BoundedListField(child=serializers.FloatField(), min_length=5, max_length=5)
    text = f"{help_text}: [class id, left, top, width, height] in pixels"
    return BoundedListField(child=box, required=False, max_length=MAX_BOXES, help_text=text)


class DraftChangeSerializer(KnownFieldsOnly, serializers.Serializer):
    """One change. Its fields depend on its kind; ids are those of the base version.

    ``relabel``, ``split``, ``remove`` and ``keep`` (restore) apply to the images in ``ids``, or to all that
    match ``filter``.
    """

    kind = serializers.ChoiceField(choices=CHANGE_KINDS)
    ids = BoundedListField(child=WholeField(min_value=1), required=False, max_length=MAX_IDS)
    filter = ImageFilterSerializer(required=False)
    class_id = WholeField(required=False)
    from_class = WholeField(required=False, help_text="relabel: boxes of it only")
    into = WholeField(required=False, help_text="merge: the class that stays")
    name = serializers.CharField(
        required=False, max_length=LONGEST, help_text="rename, add-class", validators=[one_line]
    )
    split = serializers.ChoiceField(choices=SPLITS, required=False)
    how = serializers.ChoiceField(
        choices=DRAWINGS,
        required=False,
        help_text="resplit; `test` draws a test split from the training images and leaves the others",
    )
    val_fraction = serializers.FloatField(required=False, min_value=0.05, max_value=0.5)
    test_fraction = serializers.FloatField(
        required=False,
        min_value=0.05,
        max_value=0.5,
        help_text="resplit: without it none, or for `test` 0.1",
    )
    seed = serializers.IntegerField(required=False, min_value=0, max_value=2**31 - 1)
    pattern = serializers.CharField(required=False, max_length=MAX_PATTERN, help_text="resplit by group")
    image = WholeField(required=False, min_value=1, help_text="boxes, relabel-box, remove-box")
    box = WholeField(required=False, help_text="which of its boxes, from 0")
    boxes = _boxes_field(help_text="all boxes of the image anew")
    expected = _boxes_field(help_text="boxes: those that they replace; refused where others stand by now")

    def change(self) -> tuple[str, dict]:
        """Kind and payload, as arguments of ``drafts.add``."""
        payload = dict(self.validated_data)
        kind, ids, wanted = payload.pop("kind"), payload.pop("ids", None), payload.pop("filter", None)
        payload["images"] = {"ids": ids} if wanted is None else {"filter": dict(wanted)}
        payload["from"] = payload.pop("from_class", None)
        return kind, payload


class ChangeMadeSerializer(serializers.Serializer):
    number = serializers.IntegerField()
    kind = serializers.ChoiceField(choices=list(KINDS))
    images = serializers.IntegerField(allow_null=True, help_text="how many; null where it goes by class")
    draft = DraftSerializer()


class ProposalSerializer(serializers.ModelSerializer):
    """A model's proposal for an image, before a person has decided."""

    class_id = serializers.SerializerMethodField(help_text="null in a detection set")
    boxes = serializers.SerializerMethodField(
        help_text="[class id, left, top, width, height] in pixels; empty in any other set"
    )
    model_name = serializers.CharField(source="by")

    class Meta:
        model = Proposal
        fields = ["image", "class_id", "boxes", "score", "model", "model_name"]

    def get_class_id(self, row) -> int | None:
        return None if isinstance(row.label, list) else row.label

    def get_boxes(self, row) -> list[list[float]]:
        return row.label if isinstance(row.label, list) else []


class ProposalsQuerySerializer(KnownFieldsOnly, serializers.Serializer):
    after = WholeField(required=False, default=0, help_text="an image's id")
    limit = serializers.IntegerField(required=False, default=100, min_value=1, max_value=1000)


class ProposalsSerializer(serializers.Serializer):
    """Proposals ordered by image; ``next`` is the ``after`` of the next page, null at the end."""

    count = serializers.IntegerField(help_text="of all that wait for a person")
    proposals = ProposalSerializer(many=True)
    next = serializers.IntegerField(allow_null=True)


class DecisionSerializer(KnownFieldsOnly, serializers.Serializer):
    """Images with proposed labels: by id, or all that match ``filter``; an empty filter means all."""

    ids = BoundedListField(child=WholeField(min_value=1), required=False, max_length=MAX_IDS)
    filter = ImageFilterSerializer(required=False)

    def images(self) -> dict:
        data = self.validated_data
        return {"ids": data["ids"]} if "ids" in data else {"filter": dict(data.get("filter", {}))}


class CommitSerializer(KnownFieldsOnly, serializers.Serializer):
    message = serializers.CharField(
        required=False, allow_blank=True, max_length=200, default="", validators=[one_line]
    )
