"""Jobs: status, log, events, metrics, files, cancel, retry."""

from django.db.models import Max
from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import mixins
from rest_framework.decorators import action
from rest_framework.exceptions import ValidationError
from rest_framework.response import Response

from portal.core import conditional
from portal.core.api import ApiViewSet, TeamViewSet
from portal.core.numbers import whole_number
from portal.jobs import curves, log, queue_page, scheduler, services, subjects
from portal.jobs.filters import JobFilter
from portal.jobs.models import Job
from portal.jobs.serializers import (
    ArtifactSerializer,
    JobEventSerializer,
    JobSerializer,
    MetricSerializer,
    MoveSerializer,
    PrioritySerializer,
    QueueSerializer,
)
from portal.teams import audit
from portal.teams.access import refuse_unless
from portal.teams.models import Role

POINT = ("id", "name", "step", "value")


def _number_in(request, name: str) -> int:
    text = request.query_params.get(name, "0")
    return whole_number(text) or 0


def _most(request) -> int:
    most = _number_in(request, "most")
    if not 10 <= most <= curves.AT_ONCE:
        raise ValidationError({"most": [_("Give a number from 10 to %(most)d.") % {"most": curves.AT_ONCE}]})
    return most


class JobViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, TeamViewSet):
    queryset = Job.objects.select_related("created_by")
    serializer_class = JobSerializer
    filterset_class = JobFilter
    write_role = Role.MEMBER
    lookup_value_regex = r"\d{1,18}"

    @extend_schema(
        parameters=[OpenApiParameter("offset", int, description="first byte wanted")],
        responses={(200, "text/plain"): OpenApiTypes.STR},
    )
    @action(detail=True)
    def log(self, request, pk=None):
        """The log from byte ``offset``. X-Offset says where to go on, X-Finished whether more can come."""
        return log.serve_log(request, self.get_object(), _number_in(request, "offset"))

    @extend_schema(responses=JobEventSerializer(many=True))
    @action(detail=True, pagination_class=None)
    def events(self, request, pk=None):
        """Each change of the job's status."""
        job = self.get_object()
        tag = conditional.tag_of(job.pk, job.events.aggregate(last=Max("pk"))["last"])
        conditional.unless_known(request, tag)
        answer = Response(JobEventSerializer(job.events.all(), many=True).data)
        return conditional.mark(answer, tag)

    @extend_schema(
        parameters=[
            OpenApiParameter("after", int, description="only points with a larger id"),
            OpenApiParameter("most", int, description="thin each curve to so many points, from 10 to 5000"),
        ],
        responses=MetricSerializer(many=True),
    )
    @action(detail=True, pagination_class=None)
    def metrics(self, request, pk=None):
        """Points of the job's curves, at most 5000, in the order in which they came."""
        job, after = self.get_object(), _number_in(request, "after")
        most = _most(request) if "most" in request.query_params else None
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
        parameters=[
            OpenApiParameter("Range", str, OpenApiParameter.HEADER, description="bytes=<first>-<last>")
        ],
        responses={
            (200, "application/octet-stream"): OpenApiTypes.BINARY,
            (206, "application/octet-stream"): OpenApiTypes.BINARY,
        },
    )
    def file(self, request, pk=None, name=""):
        """A file that the job made, or the part of it that ``Range`` names; its ETag is its SHA-256."""
        return log.serve_artifact(request, self.get_object(), name)

    @extend_schema(request=None, responses=JobSerializer)
    @action(detail=True, methods=["post"])
    def cancel(self, request, pk=None):
        job = self._writable()
        audit.record("job.cancel", job)
        services.cancel(job, by=request.user.get_username())
        return Response(JobSerializer(job).data)

    @extend_schema(request=None, responses={201: JobSerializer})
    @action(detail=True, methods=["post"])
    def retry(self, request, pk=None):
        """Do a failed or cancelled job again. A step of a failed run brings the rest of its run with it."""
        new = services.retry_by(request.user, self._writable())
        return Response(JobSerializer(new).data, status=201)

    @extend_schema(request=MoveSerializer, responses=JobSerializer)
    @action(detail=True, methods=["post"], write_role=Role.ADMIN)
    def move(self, request, pk=None):
        """Let a queued job pass others of its team: first, up, down or last."""
        job = self.get_object()
        form = MoveSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        scheduler.move(job, form.validated_data["to"])
        return Response(JobSerializer(job).data)

    @extend_schema(request=PrioritySerializer, responses=JobSerializer)
    @action(detail=True, methods=["post"], write_role=Role.ADMIN)
    def priority(self, request, pk=None):
        """Give a queued job another priority among its team's: -1, 0 or 1."""
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
    """What runs where, what waits in which order, and when it may start."""

    serializer_class = QueueSerializer
    filter_backends: tuple = ()
    pagination_class = None

    @extend_schema(responses=QueueSerializer(many=True))
    def list(self, request):
        """Every queue. Of other teams' jobs only that they are there is told."""
        return Response(QueueSerializer(queue_page.as_data(request.team), many=True).data)
