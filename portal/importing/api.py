"""Model files: ONNX files and Paddle inference models from elsewhere."""

from __future__ import annotations

import django_filters
from drf_spectacular.utils import extend_schema
from rest_framework import mixins
from rest_framework.response import Response

from portal.core.api import TeamViewSet
from portal.core.filters import OneOf
from portal.importing import services
from portal.importing.serializers import (
    ModelFileListSerializer,
    ModelFileSerializer,
    NewModelFileSerializer,
)
from portal.jobs.models import Status
from portal.models.model_files import ModelFile


class ModelFileFilter(django_filters.FilterSet):
    status = OneOf(Status.choices, field_name="job__status")


class ModelFileViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, TeamViewSet):
    queryset = ModelFile.objects.select_related("job__created_by")
    filterset_class = ModelFileFilter
    lookup_value_regex = r"\d{1,18}"
    refusals = (409, 410, 413)

    def get_serializer_class(self):
        return ModelFileListSerializer if self.action == "list" else ModelFileSerializer

    @extend_schema(request=NewModelFileSerializer, responses={202: ModelFileSerializer})
    def create(self, request):
        """Inspect an uploaded ONNX file, or a zip with one or with a Paddle inference model.

        Send the file to `/api/v1/uploads/` first, without naming a dataset. The job says what it is; a run
        that compiles it is started with `POST /api/v1/model-files/{id}/compile/`.
        """
        form = NewModelFileSerializer(data=request.data, context={"request": request})
        form.is_valid(raise_exception=True)
        data = form.validated_data
        made = services.create(request.team, request.user, data["upload"], data.get("name", ""))
        return Response(ModelFileSerializer(made).data, status=202)

    @extend_schema(responses={204: None})
    def destroy(self, request, pk=None):
        """Remove a file with its inspection; runs that compiled it keep their own networks."""
        services.delete(self.get_object(), request.user)
        return Response(status=204)
