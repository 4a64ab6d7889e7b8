"""Jobs: status, log, events, metrics, files, cancel, retry."""

from django.db.models import Max
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import mixins
from rest_framework.decorators import action
from rest_framework.response import Response

from portal.core import conditional
from portal.core.api import ApiViewSet, TeamViewSet
from portal.core.calls import with_query, without_body
from portal.core.schema import RANGE
from portal.jobs import curves, hosts, log, queue_page, scheduler, services, subjects
from portal.jobs.filters import JobFilter
from portal.jobs.models import Job
from portal.jobs.serializers import (
    ArtifactSerializer,
    HostSerializer,
    JobEventSerializer,
    JobSerializer,
    LogQuerySerializer,
    MetricSerializer,
    MetricsQuerySerializer,
    MoveSerializer,
    PrioritySerializer,
    QueueSerializer,
)
from portal.teams import audit
from portal.teams.access import refuse_unless, refuse_unless_server_administrator
from portal.teams.models import Role, Scope

POINT = ("id", "name", "step", "value")


class JobViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, TeamViewSet):
    queryset = Job.objects.select_related("created_by")
    serializer_class = JobSerializer
    filterset_class = JobFilter
    orderings = ("id", "queued_at")
    write_role = Role.MEMBER
    lookup_value_regex = r"\d{1,18}"

    @extend_schema(
        parameters=[RANGE],
        responses={(200, "text/plain"): OpenApiTypes.STR, (206, "text/plain"): OpenApiTypes.BINARY},
    )
    @action(detail=True)
    @with_query(LogQuerySerializer)
    def log(self, request, pk=None):
        """The log from byte ``offset``. X-Offset is where to continue, X-Finished whether more can come.

        With ``Range``, exactly the requested bytes, however many.
        """
        return log.serve_log(request, self.get_object(), self.query["offset"])

    @extend_schema(responses=JobEventSerializer(many=True))
    @action(detail=True, pagination_class=None)
    def events(self, request, pk=None):
        """Each status change of the job."""
        job = self.get_object()
        tag = conditional.tag_of(job.pk, job.events.aggregate(last=Max("pk"))["last"])
        conditional.unless_known(request, tag)
        answer = Response(JobEventSerializer(job.events.all(), many=True).data)
        return conditional.mark(answer, tag)

    @extend_schema(responses=MetricSerializer(many=True))
    @action(detail=True, pagination_class=None)
    @with_query(MetricsQuerySerializer)
    def metrics(self, request, pk=None):
        """Points of the job's curves, at most 5000, in the order of arrival."""
        job, after, most = self.get_object(), self.query["after"], self.query.get("most")
        tag = conditional.tag_of(job.pk, after, most, log.last_metric(job))
        conditional.unless_known(request, tag)
        if most:
            points = [dict(zip(POINT, point, strict=True)) for point in curves.thinned(job, most)]
        else:
            points = MetricSerializer(job.metrics.filter(pk__gt=after)[: curves.AT_ONCE], many=True).data
        return conditional.mark(Response(points), tag)

    @extend_schema(responses=ArtifactSerializer(many=True))
    @action(detail=True, pagination_class=None, url_path="files")
    def files(self, request, pk=None):
        rows = self.get_object().artifacts.all()
        return Response(ArtifactSerializer(rows, many=True, context={"request": request}).data)

    @extend_schema(
        parameters=[RANGE],
        responses={
            (200, "application/octet-stream"): OpenApiTypes.BINARY,
            (206, "application/octet-stream"): OpenApiTypes.BINARY,
        },
    )
    def file(self, request, pk=None, name=""):
        """A file that the job made, or the requested ``Range`` of it. Its ETag is its SHA-256."""
        return log.serve_artifact(request, self.get_object(), name)

    @extend_schema(responses=JobSerializer)
    @action(detail=True, methods=["post"])
    @without_body
    def cancel(self, request, pk=None):
        job = self._writable()
        audit.record("job.cancel", job)
        services.cancel(job, by=request.user.get_username())
        return Response(JobSerializer(job).data)

    @extend_schema(responses={201: JobSerializer})
    @action(detail=True, methods=["post"])
    @without_body
    def retry(self, request, pk=None):
        """Retry a failed or cancelled job. For a step of a failed run, the rest of the run continues too."""
        new = services.retry_by(request.user, self._writable())
        return Response(JobSerializer(new).data, status=201)

    @extend_schema(request=MoveSerializer, responses=JobSerializer)
    @action(detail=True, methods=["post"], write_role=Role.ADMIN)
    def move(self, request, pk=None):
        """Move a queued job within its team's part of the queue: first, up, down or last."""
        job = self.get_object()
        form = MoveSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        scheduler.move(job, form.validated_data["to"])
        return Response(JobSerializer(job).data)

    @extend_schema(request=PrioritySerializer, responses=JobSerializer)
    @action(detail=True, methods=["post"], write_role=Role.ADMIN)
    def priority(self, request, pk=None):
        """Change a queued job's priority within its team: -1, 0 or 1."""
        job = self.get_object()
        form = PrioritySerializer(data=request.data)
        form.is_valid(raise_exception=True)
        scheduler.set_priority(job, form.validated_data["priority"])
        return Response(JobSerializer(job).data)

    def _writable(self) -> Job:
        job = self.get_object()
        refuse_unless(self.request, subjects.role_for(job))
        return job


class QueueViewSet(ApiViewSet):
    """What is running and what is queued, in order, with estimated start times."""

    serializer_class = QueueSerializer
    filter_backends: tuple = ()
    pagination_class = None

    @extend_schema(responses=QueueSerializer(many=True))
    def list(self, request):
        """Every queue. Jobs of other teams appear without details."""
        return Response(QueueSerializer(queue_page.as_data(request.team), many=True).data)


class HostViewSet(ApiViewSet):
    """The hosts on which workers run, for administrators of the server."""

    serializer_class = HostSerializer
    read_scope = Scope.ADMIN
    filter_backends: tuple = ()
    pagination_class = None

    @extend_schema(responses=HostSerializer(many=True))
    def list(self, request):
        """Which hosts are alive, what each runs and may run, and what it has in its cache."""
        refuse_unless_server_administrator(request)
        return Response(HostSerializer(hosts.hosts(), many=True).data)
