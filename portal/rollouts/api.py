"""Rollouts, and groups of devices."""

import django_filters
from drf_spectacular.utils import extend_schema
from rest_framework import mixins
from rest_framework.decorators import action
from rest_framework.response import Response

from portal.core.api import TeamViewSet
from portal.core.calls import without_body
from portal.core.filters import OneOf, RowOf
from portal.models.models import Model
from portal.rollouts import planning, services
from portal.rollouts.models import Group, Rollout, RolloutStatus
from portal.rollouts.serializers import (
    GroupSerializer,
    NewGroupSerializer,
    NewRolloutSerializer,
    RolloutSerializer,
    TargetSerializer,
)
from portal.teams.models import Role


class GroupViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, mixins.DestroyModelMixin, TeamViewSet):
    queryset = Group.objects.select_related("created_by").prefetch_related("devices")
    serializer_class = GroupSerializer
    filter_backends: tuple = ()
    orderings = ("id", "name")
    write_role = Role.OPERATOR
    lookup_value_regex = r"\d{1,18}"

    @extend_schema(request=NewGroupSerializer, responses={200: GroupSerializer, 201: GroupSerializer})
    def create(self, request):
        """Make a group, or replace the one with this name (200)."""
        form = NewGroupSerializer(data=request.data, context={"request": request})
        form.is_valid(raise_exception=True)
        group, made = services.put_group(request.team, request.user, **form.validated_data)
        return Response(GroupSerializer(group).data, status=201 if made else 200)

    def perform_destroy(self, instance):
        services.remove_group(instance, self.request.user)


class RolloutFilter(django_filters.FilterSet):
    status = OneOf(RolloutStatus.choices)
    model = RowOf(Model.objects.for_team)


class RolloutViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, TeamViewSet):
    queryset = Rollout.objects.counted().select_related("created_by")
    serializer_class = RolloutSerializer
    filterset_class = RolloutFilter
    write_role = Role.OPERATOR
    refusals = (409,)
    page_actions = ("list", "boards")
    lookup_value_regex = r"\d{1,18}"

    @extend_schema(request=NewRolloutSerializer, responses={201: RolloutSerializer})
    def create(self, request):
        """Bring a model to many devices, wave by wave.

        Each board gets the compiled model for its chip. A device is in one live rollout at a time (409).
        """
        form = NewRolloutSerializer(data=request.data, context={"request": request})
        form.is_valid(raise_exception=True)
        data = dict(form.validated_data)
        groups = data.pop("groups", [])
        tags = planning.tags_of(request.team, data.pop("tags", []))
        waves = [
            planning.parse_wave(text, planning.groups_of(request.team)) for text in data.pop("waves", [])
        ]
        rollout = services.create(
            data.pop("model"),
            request.user,
            name=data.pop("name", ""),
            devices=planning.devices_of(data.pop("devices", []), groups, tags),
            waves=waves,
            **data,
        )
        return self._answer(rollout, status=201)

    def _answer(self, rollout: Rollout, status: int = 200) -> Response:
        return Response(RolloutSerializer(self.get_queryset().get(pk=rollout.pk)).data, status=status)

    @extend_schema(responses=TargetSerializer(many=True))
    @action(detail=True)
    def boards(self, request, pk=None):
        """The rollout's boards."""
        rows = self.paginate_queryset(self.get_object().targets.select_related("device"))
        return self.get_paginated_response(TargetSerializer(rows, many=True).data)

    def _decide(self, request, decide) -> Response:
        rollout = self.get_object()
        decide(rollout, request.user)
        return self._answer(rollout)

    @extend_schema(responses=RolloutSerializer)
    @action(detail=True, methods=["post"])
    @without_body
    def pause(self, request, pk=None):
        """Start no further board; those under way finish."""
        return self._decide(request, services.pause)

    @extend_schema(responses=RolloutSerializer)
    @action(detail=True, methods=["post"])
    @without_body
    def resume(self, request, pk=None):
        """Continue a paused or halted rollout. Boards that failed so far halt it no more."""
        return self._decide(request, services.resume)

    @extend_schema(responses=RolloutSerializer)
    @action(detail=True, methods=["post"])
    @without_body
    def approve(self, request, pk=None):
        """Let the next wave begin."""
        return self._decide(request, services.approve)

    @extend_schema(responses=RolloutSerializer)
    @action(detail=True, methods=["post"])
    @without_body
    def abort(self, request, pk=None):
        """End it: boards under way finish, the others are left as they are."""
        return self._decide(request, services.abort)

    @extend_schema(responses=RolloutSerializer)
    @action(detail=True, methods=["post"])
    @without_body
    def undo(self, request, pk=None):
        """Bring every board back to what it ran before."""
        return self._decide(request, services.undo)
