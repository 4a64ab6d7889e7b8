from rest_framework import serializers

from portal.core.messages import shown
from portal.core.serializers import ChoiceOrNull, KnownFieldsOnly
from portal.jobs import curves, hosts, scheduler, sites
from portal.jobs.models import Artifact, ErrorKind, Job, JobEvent, Metric, Priority, Status

LARGEST = 2**62


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
    created_by = serializers.CharField(source="created_by.username", default=None, allow_null=True)
    percent = serializers.FloatField(allow_null=True)
    seconds = serializers.FloatField(allow_null=True)
    tool_seconds = serializers.DictField(child=serializers.FloatField())
    error_kind = ChoiceOrNull(ErrorKind.choices, help_text="Null unless it failed.")
    queue = serializers.CharField(help_text="such as `deploy`, or `deploy.harbour` for a board at a site")
    problem = serializers.SerializerMethodField(
        help_text="why it waits, if no worker serves the site of its board; else empty"
    )

    def get_problem(self, job) -> str:
        if job.status != Status.QUEUED or not sites.site_of(job.queue):
            return ""
        root = self.root
        if not hasattr(root, "served_queues"):  # one query for all jobs of an answer
            root.served_queues = sites.served()
        return "" if job.queue in root.served_queues else shown(sites.sentence(job.queue))

    class Meta:
        model = Job
        fields = [
            "id", "kind", "queue", "problem", "priority", "status", "phase", "percent", "attempt", "retry_of",
            "created_by", "queued_at", "started_at", "finished_at", "seconds", "tool_seconds", "error_kind",
            "message", "log_bytes",
        ]  # fmt: skip


class JobEventSerializer(serializers.ModelSerializer):
    old = ChoiceOrNull(Status.choices, help_text="Null for the first.")
    new = serializers.ChoiceField(Status.choices)

    class Meta:
        model = JobEvent
        fields = ["old", "new", "reason", "at"]


class LogQuerySerializer(serializers.Serializer):
    offset = serializers.IntegerField(
        default=0, min_value=0, max_value=LARGEST, help_text="The first byte wanted."
    )


class MetricsQuerySerializer(serializers.Serializer):
    after = serializers.IntegerField(
        default=0, min_value=0, max_value=LARGEST, help_text="Only points with a larger id."
    )
    most = serializers.IntegerField(
        required=False,
        min_value=10,
        max_value=curves.AT_ONCE,
        help_text="Thin each curve to so many points.",
    )


class MetricSerializer(serializers.ModelSerializer):
    class Meta:
        model = Metric
        fields = ["id", "name", "step", "value"]


class QueueEntrySerializer(serializers.Serializer):
    """One job in a queue. For another team's job, all identifying fields are null."""

    id = serializers.IntegerField(allow_null=True)
    mine = serializers.BooleanField(help_text="whether it is the team's own")
    kind = serializers.CharField(allow_null=True)
    created_by = serializers.CharField(allow_null=True)
    priority = serializers.ChoiceField(choices=Priority.choices, allow_null=True)
    phase = serializers.CharField(allow_null=True)
    percent = serializers.FloatField(allow_null=True)
    host = serializers.CharField(help_text="where it runs; empty while it waits")
    queued_at = serializers.DateTimeField(allow_null=True)
    started_at = serializers.DateTimeField(allow_null=True)
    position = serializers.IntegerField(allow_null=True, help_text="among what waits, from 1")
    starts_in = serializers.FloatField(allow_null=True, help_text="seconds, estimated; null where unknown")
    ends_in = serializers.FloatField(allow_null=True, help_text="seconds, estimated; null where unknown")
    waits_for = serializers.ChoiceField(
        choices=["turn", "limit", "device", "site"],
        allow_null=True,
        help_text="limit: of the team's running jobs; site: no worker serves the board's",
    )
    problem = serializers.CharField(allow_blank=True, help_text="what keeps it from starting; else empty")


class QueueSerializer(serializers.Serializer):
    queue = serializers.CharField(help_text="such as `deploy`, or `deploy.harbour` for boards at a site")
    site = serializers.CharField(allow_blank=True, help_text="empty without one")
    problem = serializers.CharField(allow_blank=True, help_text="why nothing is taken; empty if all is well")
    idle_since = serializers.DateTimeField(
        allow_null=True, help_text="since when no worker took anything, though something waits"
    )
    running = QueueEntrySerializer(many=True)
    waiting = QueueEntrySerializer(many=True)


class HostWorkerSerializer(serializers.Serializer):
    name = serializers.CharField(help_text="Celery's, such as `train@gpu-1`")
    state = serializers.ChoiceField(
        choices=hosts.STATES,
        help_text="stopping: finishes its jobs or hands them back; lost: not heard of for a minute",
    )
    queues = serializers.ListField(child=serializers.CharField(), help_text="what it may run")
    sites = serializers.ListField(child=serializers.CharField(), help_text="whose boards it reaches")
    slots = serializers.IntegerField(help_text="how many jobs at a time")
    device = serializers.CharField(help_text="what trainings run on; empty for other workers")
    version = serializers.CharField()
    is_current = serializers.BooleanField(help_text="whether it has the portal's version")
    started_at = serializers.DateTimeField()
    seen_at = serializers.DateTimeField()


class HostJobSerializer(serializers.Serializer):
    id = serializers.IntegerField()
    kind = serializers.CharField()
    team = serializers.CharField(source="team.name")
    phase = serializers.CharField()
    started_at = serializers.DateTimeField()


class HostSerializer(serializers.Serializer):
    """A host on which workers run."""

    name = serializers.CharField()
    is_alive = serializers.BooleanField()
    seen_at = serializers.DateTimeField()
    cached = serializers.IntegerField(help_text="datasets that it has in its cache")
    workers = HostWorkerSerializer(many=True)
    jobs = HostJobSerializer(many=True, help_text="what it runs now, of all teams")


class MoveSerializer(KnownFieldsOnly, serializers.Serializer):
    to = serializers.ChoiceField(choices=scheduler.QUEUE_MOVES)


class PrioritySerializer(KnownFieldsOnly, serializers.Serializer):
    priority = serializers.ChoiceField(choices=Priority.choices)
