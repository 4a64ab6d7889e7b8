"""Devices and their predictions."""

from django.shortcuts import get_object_or_404
from django.utils.translation import gettext_lazy as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, serializers
from rest_framework.decorators import action
from rest_framework.exceptions import APIException
from rest_framework.parsers import MultiPartParser
from rest_framework.response import Response

from portal.core import configs
from portal.core.api import AnyAnswer, TeamViewSet
from portal.core.bodies import many_images, takes
from portal.core.calls import with_query, without_body
from portal.core.field_messages import DAYS
from portal.core.messages import shown
from portal.core.serializers import KnownFieldsOnly
from portal.devices import coco, fitness, health_history, pictures, releases, services
from portal.devices.access_api import AccessActions
from portal.devices.credentials import Credentials, SecretNeeded
from portal.devices.errors import BoardError
from portal.devices.filters import DeviceFilter, InferenceFilter
from portal.devices.hostkeys import HostKey
from portal.devices.models import Device, Inference
from portal.devices.moves import AddressHeld
from portal.devices.networks import NotAllowed
from portal.devices.serializers import (
    DeviceSerializer,
    EditDeviceSerializer,
    FitnessSerializer,
    HealthSerializer,
    HostKeysSerializer,
    InferenceSerializer,
    NewDeviceSerializer,
    NewHostKeySerializer,
)
from portal.devices.thresholds import OVERLAP, thresholds_of
from portal.jobs.serializers import JobSerializer
from portal.teams import audit
from portal.teams.access import refuse_unless
from portal.teams.models import Role
from workers.contract.messages import msg

NO_IMAGE = _("Choose at least one image.")


class ImagesSerializer(KnownFieldsOnly, serializers.Serializer):
    images = serializers.ListField(
        child=serializers.FileField(allow_empty_file=True), max_length=services.MAX_INFERENCE_IMAGES,
        allow_empty=False, error_messages=dict.fromkeys(("required", "empty"), NO_IMAGE),
    )  # fmt: skip


class DaysSerializer(serializers.Serializer):
    days = serializers.IntegerField(default=7, min_value=1, max_value=365, error_messages=DAYS)


class ThresholdsSerializer(serializers.Serializer):
    """Which boxes to include: minimum score, and maximum overlap with a higher-scoring box of the same
    class.
    """

    score = serializers.FloatField(
        required=False, min_value=0, max_value=1, help_text="As chosen for the model, or 0.25."
    )
    overlap = serializers.FloatField(default=OVERLAP, min_value=0, max_value=1)


SECRETS = ("password", "private_key", "passphrase")


class NotNow(APIException):
    status_code = 409


def _credentials(data: dict) -> Credentials | None:
    """Take the secret out of a form's data; None if none was given."""
    secrets = {key: data.pop(key, "") for key in SECRETS}
    return Credentials(**secrets) if secrets["password"] or secrets["private_key"] else None


def _update_access(device: Device, **changes) -> None:
    """Update the device, with the service's errors assigned to their fields."""
    try:
        services.update_access(device, **changes)
    except SecretNeeded as error:
        raise serializers.ValidationError({"password": [shown(error)]}) from error
    except (AddressHeld, NotAllowed) as error:
        raise serializers.ValidationError({"host": [shown(error)]}) from error
    except BoardError as error:
        raise serializers.ValidationError({"private_key": [shown(error)]}) from error


def _refuse_name_in_use(others, name: str | None) -> None:
    if others.filter(name=name).exists():
        raise serializers.ValidationError({"name": [shown(msg("The team has a device of this name."))]})


class DeviceViewSet(AccessActions, mixins.ListModelMixin, mixins.RetrieveModelMixin, TeamViewSet):
    queryset = Device.objects.select_related("probe_job__created_by", "jump").prefetch_related("tags")
    serializer_class = DeviceSerializer
    filterset_class = DeviceFilter
    orderings = ("id", "name", "created_at")
    page_actions = ("list", "inferences", "access")
    secret_actions = ("change_password",)
    write_role = Role.OPERATOR
    lookup_value_regex = r"\d{1,18}"

    @extend_schema(request=NewDeviceSerializer, responses={201: DeviceSerializer})
    def create(self, request):
        """Register a board: its host key is read, compared with ``host_key`` if given, and pinned."""
        form = NewDeviceSerializer(data=request.data, context={"request": request})
        form.is_valid(raise_exception=True)
        data = dict(form.validated_data)
        _refuse_name_in_use(Device.objects.for_team(request.team), data["name"])
        credentials = _credentials(data)
        wanted = data.pop("host_key", "")
        try:
            found = services.shown_host_key(
                request.team, data["host"], data["port"], data.get("jump"), data.get("site", "")
            )
            if wanted and wanted.split()[-1] != found.fingerprint:
                raise serializers.ValidationError(
                    {"host_key": [shown(msg("The board shows another key: {found}.", found=found))]}
                )
            device = services.register(
                request.team, request.user, host_key=found, credentials=credentials, **data
            )
        except BoardError as error:
            raise serializers.ValidationError({"host": [shown(error)]}) from error
        return Response(DeviceSerializer(device).data, status=201)

    @extend_schema(request=EditDeviceSerializer, responses=DeviceSerializer)
    def partial_update(self, request, pk=None):
        """Change the name, the address or the credentials; the board is then probed.

        Another address, port or user needs the credentials again: the stored ones are not sent there.
        """
        form = EditDeviceSerializer(data=request.data, context={"request": request})
        form.is_valid(raise_exception=True)
        data, device = dict(form.validated_data), self.get_object()
        _refuse_name_in_use(Device.objects.for_team(request.team).exclude(pk=device.pk), data.get("name"))
        _update_access(device, credentials=_credentials(data), **data)
        services.start_probe(device, request.user)
        return Response(DeviceSerializer(self.get_object()).data)

    @extend_schema(methods=["get"], responses=HostKeysSerializer)
    @extend_schema(methods=["post"], request=NewHostKeySerializer, responses=HostKeysSerializer)
    @action(
        detail=True, methods=["get", "post"], url_path="host-key", pagination_class=None, refusals=(409, 502)
    )
    def host_key(self, request, pk=None):
        """GET: the pinned host key and the one that the board shows now. POST: pin the shown key, after a
        person has compared it.
        """
        device = self.get_object()
        refuse_unless(request, Role.OPERATOR)  # a GET connects to the board
        form = NewHostKeySerializer(data=request.data)
        form.is_valid(raise_exception=request.method == "POST")
        try:
            found = services.key_shown_now(device)
        except BoardError as error:
            raise NotNow(shown(error)) from error
        if request.method == "POST":
            if form.validated_data["host_key"] != str(found):
                raise NotNow(shown(msg("The board shows {found} now: compare again.", found=found)))
            _update_access(device, host_key=found, credentials=_credentials(dict(form.validated_data)))
            services.start_probe(device, request.user)
        pinned = HostKey.parse(device.host_key)
        return Response({"pinned": str(pinned), "shown": str(found), "same": pinned.matches(found)})

    @extend_schema(responses={204: None})
    def destroy(self, request, pk=None):
        services.delete(self.get_object())
        return Response(status=204)

    @extend_schema(responses={202: JobSerializer})
    @action(detail=True, methods=["post"])
    @without_body
    def probe(self, request, pk=None):
        device = self.get_object()
        job = services.start_probe(device, request.user)
        audit.record("device.probe", device)
        return Response(JobSerializer(job).data, status=202)

    @extend_schema(responses={200: HealthSerializer})
    @action(detail=True, pagination_class=None, filter_backends=[])
    @with_query(DaysSerializer)
    def health(self, request, pk=None):
        """What the checks of the last days found, oldest first; at most 300 samples, evenly spaced."""
        return Response(HealthSerializer(health_history.history(self.get_object(), self.query["days"])).data)

    @extend_schema(responses=FitnessSerializer)
    @action(detail=True, pagination_class=None, filter_backends=[])
    def fitness(self, request, pk=None):
        """Whether the board is fit for a deployment, check by check, as of its last probe.

        A deployment runs the same checks first and stops if one of them is ``refused``.
        """
        device = self.get_object()
        removed = configs.boards().removed(device.profile)
        lines = [] if removed else fitness.of_device(device)
        return Response(FitnessSerializer({"verdict": fitness.worst(lines), "checks": lines}).data)

    @extend_schema(methods=["get"], responses=InferenceSerializer(many=True))
    @extend_schema(methods=["post"], request=ImagesSerializer, responses={202: InferenceSerializer})
    @action(detail=True, methods=["get", "post"], parser_classes=[MultiPartParser], filter_backends=[])
    @takes(many_images)
    def inferences(self, request, pk=None):
        """GET: recent inferences. POST: send images; the response is 202 with an inference."""
        device = self.get_object()
        if request.method == "GET":
            rows = device.inferences.submitted().select_related("job__created_by").prefetch_related("images")
            return self.get_paginated_response(
                InferenceSerializer(self.paginate_queryset(rows), many=True).data
            )
        form = ImagesSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        inference = services.start_inference(device, request.user, form.validated_data["images"])
        return Response(InferenceSerializer(inference).data, status=202)


class InferenceViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, TeamViewSet):
    queryset = Inference.objects.submitted().select_related("job__created_by").prefetch_related("images")
    serializer_class = InferenceSerializer
    filterset_class = InferenceFilter
    orderings = ("id", "created_at")
    lookup_value_regex = r"\d{1,18}"

    @extend_schema(responses=OpenApiTypes.OBJECT)
    @action(detail=True, pagination_class=None, filter_backends=[])
    @with_query(ThresholdsSerializer)
    def coco(self, request, pk=None):
        """The detected boxes as one COCO file; each annotation has a ``score``. Detection only."""
        inference = self.get_object()
        known = releases.known(inference.device, {inference.release}).get(inference.release)
        return Response(coco.file_of(inference, thresholds_of(self.query, known)))

    @extend_schema(responses={(200, f"image/{kind}"): OpenApiTypes.BINARY for kind in ("png", "jpeg")})
    @action(
        detail=True,
        url_path=r"images/(?P<position>\d{1,5})",
        pagination_class=None,
        content_negotiation_class=AnyAnswer,
    )
    def image(self, request, pk=None, position=""):
        """An image as the board received it; ``position`` counts from 0."""
        return pictures.serve(get_object_or_404(self.get_object().images.all(), position=position))
