"""Images from devices to review, and the rules by which they are kept."""

import django_filters
from django.http import Http404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import mixins
from rest_framework.decorators import action
from rest_framework.response import Response

from portal.core.api import AnyAnswer, TeamViewSet
from portal.core.calls import without_body
from portal.core.filters import OneOf, RowOf
from portal.datasets.models import Dataset
from portal.datasets.serializers import DatasetVersionSerializer
from portal.devices import pictures
from portal.devices.models import Device
from portal.review import deciding, rules, versions
from portal.review.models import Item, Rule, State
from portal.review.serializers import (
    AcceptSerializer,
    ItemSerializer,
    NewRuleSerializer,
    NewVersionSerializer,
    RuleSerializer,
)
from portal.teams.models import Role


class RuleViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, mixins.DestroyModelMixin, TeamViewSet):
    queryset = Rule.objects.select_related("device", "dataset")
    serializer_class = RuleSerializer
    filter_backends: tuple = ()
    write_role = Role.OPERATOR
    write_scope = "deploy"
    lookup_value_regex = r"\d{1,18}"

    @extend_schema(request=NewRuleSerializer, responses={200: RuleSerializer})
    def create(self, request):
        """Set the rule of a device, or of all devices; this replaces the previous one."""
        form = NewRuleSerializer(data=request.data, context={"request": request})
        form.is_valid(raise_exception=True)
        data = dict(form.validated_data)
        rule = rules.put(request.team, request.user, data.pop("device", None), **data)
        return Response(RuleSerializer(rule).data)

    def perform_destroy(self, instance):
        rules.remove(instance, self.request.user)


class ItemFilter(django_filters.FilterSet):
    state = OneOf(State.choices)
    device = RowOf(Device.objects.for_team)
    dataset = RowOf(Dataset.objects.for_team)


class ItemViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, TeamViewSet):
    queryset = Item.objects.select_related("decided_by", "device", "dataset")
    serializer_class = ItemSerializer
    filterset_class = ItemFilter
    write_scope = "datasets"
    lookup_value_regex = r"\d{1,18}"

    @extend_schema(responses={(200, f"image/{kind}"): OpenApiTypes.BINARY for kind in ("png", "jpeg")})
    @action(detail=True, pagination_class=None, filter_backends=[], content_negotiation_class=AnyAnswer)
    def image(self, request, pk=None):
        """The image as the device got it; gone once it is in a version, which has it then."""
        item = self.get_object()
        if not item.file:
            raise Http404
        return pictures.serve(item)

    @extend_schema(request=AcceptSerializer, responses=ItemSerializer)
    @action(detail=True, methods=["post"])
    def accept(self, request, pk=None):
        """Confirm the prediction, or correct it with ``label`` or ``boxes``."""
        form = AcceptSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        data = form.validated_data
        return self._answer(
            deciding.accept(self.get_object(), request.user, data.get("label", data.get("boxes")))
        )

    @extend_schema(responses=ItemSerializer)
    @action(detail=True, methods=["post"])
    @without_body
    def discard(self, request, pk=None):
        """Discard it. This can be undone for a day."""
        return self._answer(deciding.discard(self.get_object(), request.user))

    @extend_schema(responses=ItemSerializer)
    @action(detail=True, methods=["post"])
    @without_body
    def undo(self, request, pk=None):
        """Bring it back into the queue, as long as it is in no version."""
        return self._answer(deciding.undo(self.get_object(), request.user))

    def _answer(self, item: Item) -> Response:
        return Response(ItemSerializer(self.get_queryset().get(pk=item.pk)).data)

    @extend_schema(request=NewVersionSerializer, responses={201: DatasetVersionSerializer})
    @action(detail=False, methods=["post"])
    def version(self, request):
        """Make the next version of a dataset: the newest one with the accepted images added, 500 at most."""
        form = NewVersionSerializer(data=request.data, context={"request": request})
        form.is_valid(raise_exception=True)
        made = versions.make(form.validated_data["dataset"], request.user)
        return Response(DatasetVersionSerializer(made).data, status=201)
