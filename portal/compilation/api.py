"""Variants of compiled models, layer errors, and quantization searches."""

import django_filters
from drf_spectacular.utils import extend_schema
from rest_framework import mixins
from rest_framework.decorators import action
from rest_framework.response import Response

from portal.compilation import layer_errors, search, variants
from portal.compilation.filters import SearchStatus
from portal.compilation.models import LayerErrors, QuantizationSearch
from portal.compilation.serializers import (
    LayerErrorsSerializer,
    NewLayerErrorsSerializer,
    NewSearchSerializer,
    NewVariantSerializer,
    SearchSerializer,
)
from portal.core import configs
from portal.core.api import TeamViewSet
from portal.core.calls import without_body
from portal.core.filters import OneOf, RowOf, named
from portal.jobs.models import Status
from portal.models import api as models
from portal.models.models import CompiledModel, Model
from portal.models.serializers import CompiledModelSerializer


class CompiledModelViewSet(models.CompiledModelViewSet):
    refusals = (409,)

    @extend_schema(request=NewVariantSerializer, responses={202: CompiledModelSerializer})
    def create(self, request):
        """Compile a model again for a chip, with other quantization settings."""
        form = NewVariantSerializer(data=request.data, context={"request": request})
        form.is_valid(raise_exception=True)
        data = form.validated_data
        made = variants.make(
            **variants.target_of(data["model"], data["chip"], data.get("channel_order")),
            user=request.user,
            settings=data.get("quantization", {}),
        )
        return Response(CompiledModelSerializer(made).data, status=202)

    @extend_schema(request=None, responses={200: CompiledModelSerializer})
    @action(detail=True, methods=["post"])
    @without_body
    def choose(self, request, pk=None):
        """Choose this variant for deployment to its chip."""
        compiled = self.get_object()
        variants.choose(compiled, request.user)
        return Response(CompiledModelSerializer(compiled).data)

    @extend_schema(request=NewLayerErrorsSerializer, responses={202: LayerErrorsSerializer})
    @action(detail=True, methods=["post"], url_path="layer-errors")
    def layer_errors(self, request, pk=None):
        """Measure the error of each layer in the simulator; read the result under `layer-errors/`."""
        form = NewLayerErrorsSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        made = layer_errors.measure(self.get_object(), request.user, **form.validated_data)
        return Response(LayerErrorsSerializer(made).data, status=202)


class LayerErrorsFilter(django_filters.FilterSet):
    compiled_model = RowOf(CompiledModel.objects.for_team)
    status = OneOf(Status.choices, field_name="job__status")


class LayerErrorsViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, TeamViewSet):
    """The error of each layer of compiled models, from input to output."""

    queryset = LayerErrors.objects.live().select_related("job__created_by")
    serializer_class = LayerErrorsSerializer
    filterset_class = LayerErrorsFilter
    lookup_value_regex = r"\d{1,18}"


class SearchFilter(django_filters.FilterSet):
    model = RowOf(Model.objects.for_team)
    chip = OneOf(named(configs.chips()))
    status = SearchStatus()


class SearchViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, TeamViewSet):
    queryset = (
        QuantizationSearch.objects.live()
        .select_related("job__created_by")
        .prefetch_related("started__job__created_by")
    )
    serializer_class = SearchSerializer
    filterset_class = SearchFilter
    lookup_value_regex = r"\d{1,18}"
    refusals = (409,)

    @extend_schema(request=NewSearchSerializer, responses={202: SearchSerializer})
    def create(self, request):
        """Try quantization settings, cheapest first, until one meets the limit, and choose it.

        The search's job waits for the variants' jobs. Cancel it to stop the search.
        """
        form = NewSearchSerializer(data=request.data, context={"request": request})
        form.is_valid(raise_exception=True)
        data = form.validated_data
        made = search.start(
            **variants.target_of(data["model"], data["chip"], data.get("channel_order")),
            user=request.user,
            allowed_drop=data["allowed_drop"],
        )
        return Response(SearchSerializer(made).data, status=202)
