"""Makes a classification dataset from a version's boxes."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.exceptions import ValidationError
from rest_framework.response import Response

from portal.core.messages import shown
from portal.core.names import one_line
from portal.core.serializers import KnownFieldsOnly, WholeField
from portal.datasets import cuts
from portal.datasets.serializers import DatasetVersionSerializer
from workers.datakit.cutting import CROPS, MOST_MARGIN, WAYS
from workers.datakit.errors import InputError


class CutSerializer(KnownFieldsOnly, serializers.Serializer):
    """How boxes become a classification dataset. ``crops``: each box is an image, with ``margin`` (a
    fraction of its sides) around it. ``labels``: each image gets the class of its boxes, unless there are
    several.
    """

    name = serializers.CharField(max_length=120, validators=[one_line], help_text="of the new dataset")
    how = serializers.ChoiceField(choices=WAYS, required=False, default=CROPS)
    margin = serializers.FloatField(required=False, default=0.1, min_value=0, max_value=MOST_MARGIN)
    least_side = WholeField(
        required=False, default=16, min_value=1, max_value=10_000, help_text="of a box, in pixels"
    )


class CutActions:
    """Actions of ``DatasetVersionViewSet``."""

    @extend_schema(request=CutSerializer, responses={201: DatasetVersionSerializer})
    @action(detail=True, methods=["post"])
    def cut(self, request, pk=None):
        """Make a classification dataset from the boxes, in a job; images keep their split."""
        source = self.get_object()
        form = CutSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        data = dict(form.validated_data)
        try:
            version = cuts.create(source, request.user, data.pop("name"), **data)
        except InputError as error:
            raise ValidationError({"": [shown(error)]}) from error
        return Response(DatasetVersionSerializer(version).data, status=201)
