"""Models, compiled models and evaluations."""

from drf_spectacular.utils import extend_schema
from rest_framework import mixins
from rest_framework.decorators import action
from rest_framework.response import Response

from portal.core.api import TeamViewSet
from portal.models.filters import CompiledModelFilter, EvaluationFilter, ModelFilter
from portal.models.models import CompiledModel, Evaluation, Model
from portal.models.serializers import (
    CompiledModelSerializer,
    CostSerializer,
    EvaluationSerializer,
    ModelSerializer,
)


class ModelViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, TeamViewSet):
    queryset = Model.objects.live().select_related("job__created_by")
    serializer_class = ModelSerializer
    filterset_class = ModelFilter
    orderings = ("id", "name", "created_at")
    lookup_value_regex = r"\d{1,18}"


class CompiledModelViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, TeamViewSet):
    queryset = CompiledModel.objects.live().select_related("job__created_by")
    serializer_class = CompiledModelSerializer
    filterset_class = CompiledModelFilter
    lookup_value_regex = r"\d{1,18}"

    @extend_schema(responses={200: CostSerializer})
    @action(detail=True)
    def cost(self, request, pk=None):
        """The model's cost on the chip, layer by layer; empty until it is built."""
        return Response(self.get_object().cost)


class EvaluationViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, TeamViewSet):
    queryset = Evaluation.objects.live()
    serializer_class = EvaluationSerializer
    filterset_class = EvaluationFilter
    orderings = ("id", "created_at")
    lookup_value_regex = r"\d{1,18}"
