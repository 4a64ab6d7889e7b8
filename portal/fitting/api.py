"""Searches for a model that fits a board."""

import django_filters
from drf_spectacular.utils import extend_schema
from rest_framework import mixins
from rest_framework.response import Response

from portal.compilation.filters import SearchStatus
from portal.core import configs
from portal.core.api import TeamViewSet
from portal.core.filters import OneOf, RowOf, named
from portal.datasets.models import DatasetVersion
from portal.fitting import search
from portal.fitting.models import FitSearch
from portal.fitting.serializers import FitSearchListSerializer, FitSearchSerializer, NewFitSearchSerializer


class FitSearchFilter(django_filters.FilterSet):
    dataset_version = RowOf(DatasetVersion.objects.for_team)
    chip = OneOf(named(configs.chips()))
    status = SearchStatus()


class FitSearchViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, TeamViewSet):
    queryset = FitSearch.objects.select_related("job__created_by", "team", "dataset_version__dataset")
    filterset_class = FitSearchFilter
    lookup_value_regex = r"\d{1,18}"
    refusals = (409,)

    def get_serializer_class(self):
        return FitSearchListSerializer if self.action == "list" else FitSearchSerializer

    @extend_schema(request=NewFitSearchSerializer, responses={202: FitSearchSerializer})
    def create(self, request):
        """Train candidates briefly, go on with the best, and name the one that fits the chip best.

        The search's job waits for the candidates' runs. Cancel it to stop the search, retry it to go on.
        """
        form = NewFitSearchSerializer(data=request.data, context={"request": request})
        form.is_valid(raise_exception=True)
        made = search.start(form.goal(), request.team, request.user)
        made.refresh_from_db()
        return Response(FitSearchSerializer(made).data, status=202)
