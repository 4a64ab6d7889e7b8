from rest_framework import serializers

from portal.deployments.models import Deployment
from portal.jobs.serializers import JobSerializer


class DeploymentSerializer(serializers.ModelSerializer):
    job = JobSerializer(allow_null=True)
    device_name = serializers.CharField(source="device.name")
    virtual = serializers.BooleanField(source="device.is_virtual")

    class Meta:
        model = Deployment
        fields = [
            "id", "run", "compiled_model", "device", "device_name", "virtual", "job", "release", "engine",
            "measured", "activated_at",
        ]  # fmt: skip
