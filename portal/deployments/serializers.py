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
    current = serializers.SerializerMethodField()

    class Meta:
        model = Deployment
        fields = [
            "id", "run", "compiled_model", "device", "device_name", "virtual", "job", "release", "placed",
            "current", "engine", "measured", "activated_at",
        ]  # fmt: skip

    def get_current(self, deployment) -> bool:
        """Whether the board runs it now, as far as is known."""
        return deployment.is_current


class _NewestAttempts(serializers.ListSerializer):
    """Of a run's deployments, each one's last attempt; ``/deployments/?run=`` lists them all."""

    def to_representation(self, data):
        rows = data.newest().select_related("job__created_by", "device")
        return super().to_representation(rows)


class RunDeploymentSerializer(DeploymentSerializer):
    class Meta(DeploymentSerializer.Meta):
        list_serializer_class = _NewestAttempts


class NewDeploymentSerializer(serializers.Serializer):
    """Which run's model to put on which device; the device's chip says which of its models."""

    run = InTeamField(queryset=Run.objects.all())
    device = InTeamField(queryset=Device.objects.all())
