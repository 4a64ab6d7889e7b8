"""Deployment policies."""

from drf_spectacular.utils import extend_schema
from rest_framework import mixins
from rest_framework.response import Response

from portal.core.api import TeamViewSet
from portal.deployment import policies
from portal.deployment.models import Policy
from portal.deployment.serializers import NewPolicySerializer, PolicySerializer
from portal.teams.models import Role


class PolicyViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, mixins.DestroyModelMixin, TeamViewSet):
    """What compiled models must reach before they are deployed. Administrators of the team set it."""

    queryset = Policy.objects.select_related("created_by")
    serializer_class = PolicySerializer
    filter_backends: tuple = ()
    write_role = Role.ADMIN
    lookup_value_regex = r"\d{1,18}"

    @extend_schema(request=NewPolicySerializer, responses={200: PolicySerializer, 201: PolicySerializer})
    def create(self, request):
        """Set the policy for a task and a chip, or for all chips. It replaces the earlier one (200)."""
        form = NewPolicySerializer(data=request.data)
        form.is_valid(raise_exception=True)
        policy, made = policies.put(request.team, request.user, **form.validated_data)
        return Response(PolicySerializer(policy).data, status=201 if made else 200)

    def perform_destroy(self, instance):
        policies.remove(instance, self.request.user)
