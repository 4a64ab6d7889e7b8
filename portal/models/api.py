"""Models, compiled models and evaluations."""

from drf_spectacular.utils import extend_schema
from rest_framework import mixins
from rest_framework.decorators import action
from rest_framework.exceptions import ValidationError
from rest_framework.response import Response

from portal.core.api import TeamViewSet
from portal.core.messages import shown
from portal.models import services
from portal.models.filters import CompiledModelFilter, EvaluationFilter, ModelFilter
from portal.models.models import CompiledModel, Evaluation, Model
from portal.models.serializers import (
    CompiledModelSerializer,
    CostSerializer,
    EvaluationSerializer,
    ModelSerializer,
    ThresholdSerializer,
)
from workers.datakit.errors import InputError


class ModelViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, TeamViewSet):
    queryset = Model.objects.live().select_related("job__created_by")
    serializer_class = ModelSerializer
    write_scope = "runs"
    filterset_class = ModelFilter
    orderings = ("id", "name", "created_at")
    lookup_value_regex = r"\d{1,18}"

    @extend_schema(request=ThresholdSerializer, responses=ModelSerializer)
    def partial_update(self, request, pk=None):
        """Set the display threshold for the model's boxes; null is the default."""
        model = self.get_object()
        form = ThresholdSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        try:
            services.set_score_threshold(model, request.user, form.validated_data["score_threshold"])
        except InputError as error:
            raise ValidationError({"score_threshold": [shown(error)]}) from error
        return Response(ModelSerializer(model).data)


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
