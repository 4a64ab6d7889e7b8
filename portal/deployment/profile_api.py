"""Timings of releases on their boards."""

import django_filters
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, serializers
from rest_framework.response import Response

from portal.core.api import TeamViewSet
from portal.core.filters import OneOf, RowOf
from portal.core.serializers import InTeamField, KnownFieldsOnly
from portal.deployment import profiling
from portal.deployment.models import Profile
from portal.devices.models import Device
from portal.jobs.models import Status
from portal.jobs.serializers import JobSerializer
from portal.teams.models import Role


class SpreadSerializer(serializers.Serializer):
    """Milliseconds of several calls."""

    calls = serializers.IntegerField()
    median = serializers.FloatField(allow_null=True)
    p95 = serializers.FloatField(allow_null=True)
    p99 = serializers.FloatField(allow_null=True)


class FiguresSerializer(serializers.Serializer):
    """``whole`` includes decoding and resizing; ``predict`` is the library's prediction alone, which includes
    resizing where ``library_resizes``.
    """

    engine = serializers.CharField(required=False)
    load_ms = serializers.FloatField(required=False)
    first_ms = serializers.FloatField(required=False)
    whole = SpreadSerializer(required=False)
    predict = SpreadSerializer(required=False)
    memory_before = serializers.IntegerField(required=False, allow_null=True, help_text="free bytes")
    memory_loaded = serializers.IntegerField(required=False, allow_null=True, help_text="free bytes")
    celsius_before = serializers.FloatField(required=False, allow_null=True)
    celsius_after = serializers.FloatField(required=False, allow_null=True)
    library_resizes = serializers.BooleanField(required=False)


class ProfileSerializer(serializers.ModelSerializer):
    """``figures`` is empty until the job has succeeded; ``estimate_ms`` is by the compiler's cycles."""

    job = JobSerializer()
    figures = FiguresSerializer()
    estimate_ms = serializers.FloatField(allow_null=True)

    class Meta:
        model = Profile
        fields = ["id", "device", "deployment", "release", "job", "figures", "estimate_ms", "created_at"]


class NewProfileSerializer(KnownFieldsOnly, serializers.Serializer):
    """The device whose current release is timed."""

    device = InTeamField(queryset=Device.objects.all())


class ProfileFilter(django_filters.FilterSet):
    device = RowOf(Device.objects.for_team)
    status = OneOf(Status.choices, field_name="job__status")


class ProfileViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, TeamViewSet):
    queryset = Profile.objects.select_related("job__created_by", "deployment__compiled_model")
    serializer_class = ProfileSerializer
    filterset_class = ProfileFilter
    write_role = Role.OPERATOR
    write_scope = "deploy"
    lookup_value_regex = r"\d{1,18}"
    refusals = (409,)

    @extend_schema(request=NewProfileSerializer, responses={202: ProfileSerializer})
    def create(self, request):
        """Time the current release of a device on the board: loading, first call, 100 calls."""
        form = NewProfileSerializer(data=request.data, context={"request": request})
        form.is_valid(raise_exception=True)
        made = profiling.start(form.validated_data["device"], request.user)
        return Response(ProfileSerializer(made).data, status=202)
