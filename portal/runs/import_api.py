"""Model files, and the runs that compile them."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.response import Response

from portal.core.names import one_line
from portal.core.serializers import BoundedListField, InTeamField, KnownFieldsOnly
from portal.datasets.models import DatasetVersion
from portal.devices.models import Device
from portal.importing import api
from portal.runs import importing, services
from portal.runs.serializers import ParamsField, RunSerializer
from portal.teams.access import refuse_unless


class CompileFileSerializer(KnownFieldsOnly, serializers.Serializer):
    """The network's input and classes, and where it is to run."""

    dataset_version = InTeamField(
        queryset=DatasetVersion.objects.live(), help_text="calibrates the model and measures it"
    )
    labels = BoundedListField(
        child=serializers.CharField(max_length=importing.LABEL_LENGTH, validators=[one_line]),
        required=False,
        max_length=importing.MOST_LABELS,
        help_text="in the order of the outputs; the dataset version's classes if omitted",
    )
    input_size = BoundedListField(
        child=serializers.IntegerField(min_value=8, max_value=2048),
        required=False,
        max_length=2,
        help_text="[width, height], where the file does not fix it",
    )
    mean = BoundedListField(
        child=serializers.FloatField(),
        required=False,
        max_length=3,
        help_text="of pixels from 0 to 1, in the network's channel order; ImageNet's if omitted",
    )
    std = BoundedListField(child=serializers.FloatField(), required=False, max_length=3)
    model_order = serializers.CharField(
        max_length=3, default="rgb", help_text="rgb or bgr: what the network was trained on"
    )
    output = serializers.CharField(
        max_length=200,
        required=False,
        help_text="which of the file's `choices` has the scores; the first if omitted",
    )
    chips = BoundedListField(child=serializers.CharField(max_length=20), required=False, max_length=20)
    devices = BoundedListField(
        child=InTeamField(queryset=Device.objects.all()), required=False, max_length=100
    )
    params = ParamsField(
        required=False, help_text="calibration_images, board_images, seed, max_drop, fail_under"
    )
    name = serializers.CharField(max_length=120, required=False, validators=[one_line])


class ModelFileViewSet(api.ModelFileViewSet):
    @extend_schema(request=CompileFileSerializer, responses={201: RunSerializer})
    @action(detail=True, methods=["post"])
    def compile(self, request, pk=None):
        """Start a run that compiles the file's network for each chip, measures it, and deploys it."""
        file = self.get_object()
        form = CompileFileSerializer(data=request.data, context={"request": request})
        form.is_valid(raise_exception=True)
        data = dict(form.validated_data)
        plan = importing.make_plan(file, data.pop("dataset_version"), **data)
        refuse_unless(request, services.role_for(plan.devices))
        run = services.create_run(plan, request.team, request.user)
        run.refresh_from_db()
        return Response(RunSerializer(run).data, status=201)
