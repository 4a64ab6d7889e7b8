from rest_framework import serializers

from portal.core.serializers import InTeamField
from portal.deployments.models import Deployment
from portal.devices.models import Device
from portal.jobs.serializers import JobSerializer
from portal.runs.models import Run


class DeploymentSerializer(serializers.ModelSerializer):
    job = JobSerializer(allow_null=True)
    device_name = serializers.CharField(source="device.name")
    virtual = serializers.BooleanField(source="device.is_virtual")

    class Meta:
        model = Deployment
        fields = [
            "id", "run", "compiled_model", "device", "device_name", "virtual", "job", "release", "placed",
            "engine", "measured", "activated_at",
        ]  # fmt: skip


class NewDeploymentSerializer(serializers.Serializer):
    """Which run's model to put on which device; the device's chip says which of its models."""

    run = InTeamField(queryset=Run.objects.all())
    device = InTeamField(queryset=Device.objects.all())
