"""Runs and their results."""

from drf_spectacular.utils import extend_schema
from rest_framework import mixins
from rest_framework.decorators import action
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.response import Response

from portal.core.api import TeamViewSet
from portal.core.calls import with_query, without_body
from portal.core.messages import shown
from portal.deployment.serializers import GateSerializer
from portal.runs import cloning, compare, deletion, gates, improving, services
from portal.runs.filters import LiveRunFilter
from portal.runs.graph import Graph
from portal.runs.models import Run
from portal.runs.parity_report import as_data
from portal.runs.parity_serializers import LimitsQuerySerializer, ParityReportSerializer
from portal.runs.plan import make_plan
from portal.runs.report import report
from portal.runs.report_serializers import ReportSerializer
from portal.runs.serializers import (
    CloneSerializer,
    CompareQuerySerializer,
    ComparisonSerializer,
    ImproveSerializer,
    NewRunSerializer,
    RunEditSerializer,
    RunListSerializer,
    RunSerializer,
)
from portal.teams.access import refuse_unless


class RunViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, TeamViewSet):
    queryset = Run.objects.select_related("created_by", "dataset_version__dataset").prefetch_related("tags")
    filterset_class = LiveRunFilter
    orderings = ("id", "name", "created_at")
    lookup_value_regex = r"\d{1,18}"

    def get_serializer_class(self):
        return RunListSerializer if self.action == "list" else RunSerializer

    @extend_schema(request=NewRunSerializer, responses={201: RunSerializer})
    def create(self, request):
        """Train, convert for each chip and deploy to each device, in one call."""
        form = NewRunSerializer(data=request.data, context={"request": request})
        form.is_valid(raise_exception=True)
        data = dict(form.validated_data)
        plan = make_plan(data.pop("dataset_version"), **data)
        refuse_unless(request, services.role_for(plan.devices))
        run = services.create_run(plan, request.team, request.user)
        run.refresh_from_db()
        return Response(RunSerializer(run).data, status=201)

    @extend_schema(responses=ComparisonSerializer)
    @action(detail=False, pagination_class=None, filter_backends=[])
    @with_query(CompareQuerySerializer)
    def compare(self, request):
        """Runs side by side: settings, results, classes. For curves, see the jobs' metrics."""
        return Response(ComparisonSerializer(compare.Comparison(self._compared())).data)

    def _compared(self) -> list[Run]:
        try:
            return compare.choose(self.request.team, self.request.query_params.getlist("ids"))
        except compare.CannotCompare as error:
            if error.unknown:
                raise NotFound(shown(error)) from error
            raise ValidationError({"ids": [shown(error)]}) from error

    @extend_schema(responses={200: dict[str, list[list[list[float]]]]})
    @action(
        detail=False, url_path="compare/curves", url_name="curves", pagination_class=None, filter_backends=[]
    )
    @with_query(CompareQuerySerializer)
    def curves(self, request):
        """The curves of runs by name, for one chart: `[[step, value], …]` of each run, thinned."""
        return Response(compare.curve_points(self._compared()))

    @extend_schema(request=RunEditSerializer, responses=RunSerializer)
    def partial_update(self, request, pk=None):
        """Rename the run, edit its notes or tags; the plan itself never changes."""
        form = RunEditSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        data = form.validated_data
        run = self.get_object()
        services.edit_run(run, request.user, data.get("name"), data.get("notes"), data.get("tags"))
        return Response(RunSerializer(self.get_object()).data)

    @extend_schema(request=CloneSerializer, responses={201: RunSerializer})
    @action(detail=True, methods=["post"])
    def clone(self, request, pk=None):
        """Repeat the run, with changes. ``params`` contains only what changes."""
        origin = self.get_object()
        form = CloneSerializer(data=request.data, context={"request": request})
        form.is_valid(raise_exception=True)
        plan = cloning.make_plan(origin, dict(form.validated_data))
        refuse_unless(request, services.role_for(plan.devices))
        run = services.create_run(plan, request.team, request.user, origin)
        return Response(RunSerializer(self.get_queryset().get(pk=run.pk)).data, status=201)

    @extend_schema(request=ImproveSerializer, responses={201: RunSerializer})
    @action(detail=True, methods=["post"])
    def improve(self, request, pk=None):
        """Improve the run's model for its chips: a new run with the same chips and no devices.

        ``params`` contains only what differs from the method's defaults.
        """
        origin = self.get_object()
        form = ImproveSerializer(data=request.data, context={"request": request})
        form.is_valid(raise_exception=True)
        plan = improving.make_plan(origin, **form.validated_data)
        run = services.create_run(plan, request.team, request.user, origin)
        return Response(RunSerializer(self.get_queryset().get(pk=run.pk)).data, status=201)

    @extend_schema(responses=RunSerializer)
    @action(detail=True, methods=["post"])
    @without_body
    def cancel(self, request, pk=None):
        services.cancel_run(self._writable(), request.user)
        return Response(RunSerializer(self.get_object()).data)

    @extend_schema(responses=RunSerializer)
    @action(detail=True, methods=["post"])
    @without_body
    def retry(self, request, pk=None):
        services.retry_run(self._writable(), request.user)
        return Response(RunSerializer(self.get_object()).data)

    @extend_schema(responses={204: None})
    def destroy(self, request, pk=None):
        """Delete the run with its models and files; it can be restored for some days.

        409 while it is active, or while a board runs one of its models.
        """
        deletion.delete(self._writable(), request.user)
        return Response(status=204)

    @extend_schema(responses=RunSerializer)
    @action(detail=True, methods=["post"])
    @without_body
    def restore(self, request, pk=None):
        """Restore the deleted run."""
        deletion.restore(self._writable(), request.user)
        return Response(RunSerializer(self.get_object()).data)

    def _writable(self) -> Run:
        run = self.get_object()
        refuse_unless(self.request, services.role_of(run))
        return run

    @extend_schema(responses={200: GateSerializer(many=True)})
    @action(detail=True, pagination_class=None, filter_backends=[])
    def gate(self, request, pk=None):
        """Whether the team's deployment policies let the run's compiled models be deployed, and why not."""
        return Response(GateSerializer(gates.of_run(Graph(self.get_object())), many=True).data)

    @extend_schema(responses={200: ReportSerializer})
    @action(detail=True)
    def report(self, request, pk=None):
        """Accuracy at each stage, duration of each step, provenance: the content of ``report.json``."""
        return Response(report(self.get_object()))

    @extend_schema(responses={200: ParityReportSerializer})
    @action(detail=True)
    @with_query(LimitsQuerySerializer)
    def parity(self, request, pk=None):
        """Compare all stages on the same images: losses and causes. Limits, 0 to 1, replace the run's."""
        return Response(ParityReportSerializer(as_data(Graph(self.get_object()), self.query)).data)
