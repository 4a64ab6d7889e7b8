"""Deployments of runs' compiled models."""

import django_filters
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import mixins
from rest_framework.decorators import action
from rest_framework.response import Response

from portal.core import configs
from portal.core.api import AnyAnswer, TeamViewSet
from portal.core.calls import without_body
from portal.core.filters import OneOf, RowOf, named
from portal.deployment import evidence, signing
from portal.deployment import services as deployments
from portal.deployment.models import Deployment
from portal.deployment.serializers import EvidenceSerializer, SigningKeySerializer
from portal.deployment.views import as_file, evidence_of
from portal.devices.models import Device
from portal.jobs.models import Status
from portal.models.models import CompiledModel
from portal.runs import services
from portal.runs.deployment_serializers import DeploymentSerializer, NewDeploymentSerializer
from portal.runs.models import Run
from portal.teams.models import Role


class DeploymentFilter(django_filters.FilterSet):
    run = RowOf(Run.objects.for_team, field_name="compiled_model__model__job__step__run")
    device = RowOf(Device.objects.for_team)
    compiled_model = RowOf(CompiledModel.objects.for_team)
    chip = OneOf(named(configs.chips()), field_name="compiled_model__chip")
    status = OneOf(Status.choices, field_name="job__status")
    release = django_filters.CharFilter()


class DeploymentViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, TeamViewSet):
    queryset = Deployment.objects.select_related(
        "job__created_by", "device", "source", "compiled_model__model__job__step"
    ).prefetch_related("job__evaluations")
    serializer_class = DeploymentSerializer
    filterset_class = DeploymentFilter
    orderings = ("id", "activated_at")
    lookup_value_regex = r"\d{1,18}"
    write_role = Role.OPERATOR

    @extend_schema(request=NewDeploymentSerializer, responses={202: DeploymentSerializer})
    def create(self, request):
        """Deploy the model that a run compiled for a device's chip to that device, also after the run's end.

        Repeating the call deploys again, so that an older run's model becomes current again.
        """
        form = NewDeploymentSerializer(data=request.data, context={"request": request})
        form.is_valid(raise_exception=True)
        deployment = services.deploy(**form.validated_data, user=request.user)
        return Response(DeploymentSerializer(deployment).data, status=202)

    @extend_schema(responses={202: DeploymentSerializer})
    @action(detail=True, methods=["post"])
    @without_body
    def rollback(self, request, pk=None):
        """Make this deployment's release, if it is still on its device, current again.

        Nothing is uploaded; the release goes through a trial like a new one.
        """
        deployment = deployments.roll_back(self.get_object(), request.user)
        return Response(DeploymentSerializer(deployment).data, status=202)

    @extend_schema(responses={200: EvidenceSerializer})
    @action(detail=True, pagination_class=None, filter_backends=[])
    def evidence(self, request, pk=None):
        """What was deployed, how it was measured and who decided, signed by the team; 409 before its end.

        It stays when the device or the run is removed. Verify it offline by `slipway evidence verify`.
        """
        return Response(evidence.envelope(evidence_of(request, pk)))

    @extend_schema(responses={(200, "text/html"): OpenApiTypes.BINARY})
    @action(
        detail=True,
        url_path="evidence/page",
        pagination_class=None,
        filter_backends=[],
        content_negotiation_class=AnyAnswer,
    )
    def evidence_page(self, request, pk=None):
        """The same evidence as one HTML page; its last line is the signature."""
        found = evidence_of(request, pk)
        return as_file(evidence.page(found), evidence.file_name(found, "html"), "text/html")

    @extend_schema(responses={200: SigningKeySerializer})
    @action(detail=False, url_path="evidence-key", pagination_class=None, filter_backends=[])
    def evidence_key(self, request):
        """The public key with which the team's evidence is verified."""
        return Response(SigningKeySerializer(signing.key_of(request.team)).data)
