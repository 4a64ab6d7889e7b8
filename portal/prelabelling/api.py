"""Lets models propose labels for the unlabelled images of a version."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema
from rest_framework import mixins
from rest_framework.response import Response

from portal.core.api import TeamViewSet
from portal.datasets.draft_api import refusals
from portal.models.models import Prelabelling
from portal.prelabelling import services
from portal.prelabelling.serializers import NewPrelabellingSerializer, PrelabellingSerializer


class PrelabellingViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, TeamViewSet):
    queryset = Prelabelling.objects.select_related("draft", "job__created_by")
    serializer_class = PrelabellingSerializer
    write_scope = "datasets"
    lookup_value_regex = r"\d{1,18}"

    @extend_schema(request=NewPrelabellingSerializer, responses={201: PrelabellingSerializer})
    def create(self, request):
        """Let a model propose labels, in a job; they are stored in your draft of the version.

        You then accept, reject or correct them in the draft.
        """
        form = NewPrelabellingSerializer(data=request.data, context={"request": request})
        form.is_valid(raise_exception=True)
        data = form.validated_data
        with refusals(field=""):
            chosen = data.get("classes", {}), data.get("score")
            made = services.start(request.user, data["dataset_version"], data["model"], *chosen)
        return Response(PrelabellingSerializer(made).data, status=201)
