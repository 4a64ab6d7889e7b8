"""Devices and what they answer."""

from drf_spectacular.utils import extend_schema
from rest_framework import mixins, serializers
from rest_framework.decorators import action
from rest_framework.parsers import JSONParser, MultiPartParser
from rest_framework.response import Response

from portal.core.api import TeamViewSet
from portal.devices import services
from portal.devices.errors import BoardError
from portal.devices.filters import DeviceFilter, InferenceFilter
from portal.devices.models import Device, Inference
from portal.devices.serializers import DeviceSerializer, InferenceSerializer, NewDeviceSerializer
from portal.jobs.serializers import JobSerializer
from portal.teams import audit
from portal.teams.models import Role


class ImagesSerializer(serializers.Serializer):
    images = serializers.ListField(child=serializers.FileField(), max_length=services.MAX_INFERENCE_IMAGES)


class DeviceViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, TeamViewSet):
    queryset = Device.objects.select_related("probe_job__created_by")
    serializer_class = DeviceSerializer
    filterset_class = DeviceFilter
    write_role = Role.OPERATOR
    lookup_value_regex = r"\d{1,18}"

    @extend_schema(request=NewDeviceSerializer, responses={201: DeviceSerializer})
    def create(self, request):
        """Register a board: its host key is read, compared with ``host_key`` if given, and pinned."""
        form = NewDeviceSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        data = dict(form.validated_data)
        if Device.objects.for_team(request.team).filter(name=data["name"]).exists():
            raise serializers.ValidationError({"name": ["The team has a device of this name."]})
        keys = ("password", "private_key", "passphrase")
        credentials = services.Credentials(**{key: data.pop(key, "") for key in keys})
        wanted = data.pop("host_key", "")
        try:
            found = services.read_host_key(data["host"], data["port"])
            if wanted and wanted.split()[-1] != found.fingerprint:
                raise serializers.ValidationError({"host_key": [f"The board shows another key: {found}."]})
            device = services.register(
                request.team, request.user, host_key=found, credentials=credentials, **data
            )
        except BoardError as error:
            raise serializers.ValidationError({"host": [str(error)]}) from error
        return Response(DeviceSerializer(device).data, status=201)

    @extend_schema(request=None, responses={204: None})
    def destroy(self, request, pk=None):
        services.delete(self.get_object())
        return Response(status=204)

    @extend_schema(request=None, responses={202: JobSerializer})
    @action(detail=True, methods=["post"])
    def probe(self, request, pk=None):
        device = self.get_object()
        job = services.start_probe(device, request.user)
        audit.record("device.probe", device)
        return Response(JobSerializer(job).data, status=202)

    @extend_schema(request=ImagesSerializer, responses={200: InferenceSerializer(many=True)})
    @action(detail=True, methods=["get", "post"], parser_classes=[MultiPartParser, JSONParser])
    def inferences(self, request, pk=None):
        """GET: what the device answered before. POST: send images; the answer is 202 with an inference."""
        device = self.get_object()
        if request.method == "GET":
            rows = device.inferences.select_related("job__created_by").prefetch_related("images")
            return self.get_paginated_response(
                InferenceSerializer(self.paginate_queryset(rows), many=True).data
            )
        inference = services.start_inference(device, request.user, request.FILES.getlist("images"))
        return Response(InferenceSerializer(inference).data, status=202)


class InferenceViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, TeamViewSet):
    queryset = Inference.objects.select_related("job__created_by").prefetch_related("images")
    serializer_class = InferenceSerializer
    filterset_class = InferenceFilter
    lookup_value_regex = r"\d{1,18}"
