from rest_framework import serializers

from portal.conversions.models import CompiledModel
from portal.jobs.serializers import JobSerializer


class CompiledModelSerializer(serializers.ModelSerializer):
    job = JobSerializer(allow_null=True)

    class Meta:
        model = CompiledModel
        fields = ["id", "run", "job", "chip", "channel_order", "facts"]
