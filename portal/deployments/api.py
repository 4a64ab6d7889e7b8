"""Deployments."""

from rest_framework import mixins

from portal.deployments.filters import DeploymentFilter
from portal.deployments.models import Deployment
from portal.deployments.serializers import DeploymentSerializer
from portal.runs.api import OfRunViewSet


class DeploymentViewSet(mixins.ListModelMixin, OfRunViewSet):
    queryset = Deployment.objects.select_related("job", "device")
    serializer_class = DeploymentSerializer
    filterset_class = DeploymentFilter
