from rest_framework import serializers

from portal.jobs.models import Artifact, Job, JobEvent, Metric


class ArtifactSerializer(serializers.ModelSerializer):
    url = serializers.SerializerMethodField()

    class Meta:
        model = Artifact
        fields = ["name", "size", "sha256", "url"]

    def get_url(self, artifact) -> str:
        path = f"/api/v1/jobs/{artifact.job_id}/files/{artifact.name}"
        request = self.context.get("request")
        return request.build_absolute_uri(path) if request else path


class JobSerializer(serializers.ModelSerializer):
    created_by = serializers.CharField(source="created_by.username", default=None)
    percent = serializers.FloatField(allow_null=True)
    seconds = serializers.FloatField(allow_null=True)
    tool_seconds = serializers.DictField(child=serializers.FloatField())

    class Meta:
        model = Job
        fields = [
            "id", "kind", "status", "phase", "percent", "attempt", "retry_of", "created_by", "queued_at",
            "started_at", "finished_at", "seconds", "tool_seconds", "error_kind", "message", "log_bytes",
        ]  # fmt: skip


class JobEventSerializer(serializers.ModelSerializer):
    class Meta:
        model = JobEvent
        fields = ["old", "new", "reason", "at"]


class MetricSerializer(serializers.ModelSerializer):
    class Meta:
        model = Metric
        fields = ["id", "name", "step", "value"]
