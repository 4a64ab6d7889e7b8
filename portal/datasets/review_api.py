"""A version that waits for a person: how it was read, confirm, read again, discard."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.exceptions import ValidationError
from rest_framework.response import Response

from portal.core.calls import without_body
from portal.core.messages import shown
from portal.core.serializers import KnownFieldsOnly
from portal.datasets import reading_options, reviews
from portal.datasets.reading_serializers import JudgementSerializer
from portal.datasets.serializers import DatasetVersionDetailSerializer, OptionsSerializer


class RereadSerializer(KnownFieldsOnly, OptionsSerializer):
    """How to read it this time. Omitted reading options are detected; the split and the classes stay
    unless given here.
    """

    def get_fields(self):
        fields = super().get_fields()
        for name in ("mode", "review", "fresh", "layout"):
            del fields[name]
        return fields

    def changes(self) -> dict:
        """Arguments of ``reviews.reread``."""
        data = self.validated_data
        changes = {name: value for name, value in data.items() if name not in reading_options.NAMES}
        return changes | {"reading": reading_options.given(data), "layout": None}


class ReviewActions:
    """Actions of ``DatasetVersionViewSet``."""

    @extend_schema(responses=JudgementSerializer)
    @action(detail=True)
    def reading(self, request, pk=None):
        """How the upload was read: its format, classes, folders, ignored files, and alternatives."""
        version = self.get_object()
        if not version.reading:
            raise ValidationError({"version": [shown(reviews.no_reading(version))]})
        return Response(JudgementSerializer(JudgementSerializer.of(version)).data)

    @extend_schema(responses=DatasetVersionDetailSerializer)
    @action(detail=True, methods=["post"])
    @without_body
    def confirm(self, request, pk=None):
        """Confirm how it was read: the version becomes ready, and the dataset remembers it.

        409 unless its state is ``review``.
        """
        reviews.confirm(self.get_object(), request.user)
        return Response(DatasetVersionDetailSerializer(self.get_object()).data)

    @extend_schema(request=RereadSerializer, responses=DatasetVersionDetailSerializer)
    @action(detail=True, methods=["post"])
    def reread(self, request, pk=None):
        """Check the upload again, read with these options; the version then waits for confirmation.

        Also possible for a refused one, while its upload is on the server. 409 otherwise.
        """
        form = RereadSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        reviews.reread(self.get_object(), request.user, form.changes())
        return Response(DatasetVersionDetailSerializer(self.get_object()).data)

    @extend_schema(responses={204: None})
    @action(detail=True, methods=["post"])
    @without_body
    def discard(self, request, pk=None):
        """Discard an upload that is not confirmed, was refused, or equals the previous version.

        409 for any other ready version.
        """
        reviews.discard(self.get_object(), request.user)
        return Response(status=204)
