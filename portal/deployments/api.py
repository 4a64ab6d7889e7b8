"""Deployments."""

from drf_spectacular.utils import extend_schema
from rest_framework import mixins
from rest_framework.response import Response

from portal.deployments import services
from portal.deployments.filters import DeploymentFilter
from portal.deployments.models import Deployment
from portal.deployments.serializers import DeploymentSerializer, NewDeploymentSerializer
from portal.runs.api import OfRunViewSet
from portal.teams.models import Role


class DeploymentViewSet(mixins.ListModelMixin, OfRunViewSet):
    queryset = Deployment.objects.select_related("job__created_by", "device")
    serializer_class = DeploymentSerializer
    filterset_class = DeploymentFilter
    write_role = Role.OPERATOR

    @extend_schema(request=NewDeploymentSerializer, responses={202: DeploymentSerializer})
    def create(self, request):
        """Put the model that a run compiled for a device's chip on that device, also after the run's end.

        Asked for again, it is done again: so an older run's model becomes current once more.
        """
        form = NewDeploymentSerializer(data=request.data, context={"request": request})
        form.is_valid(raise_exception=True)
        deployment = services.start_deployment(**form.validated_data, user=request.user)
        return Response(DeploymentSerializer(deployment).data, status=202)
