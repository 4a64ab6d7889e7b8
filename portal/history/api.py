"""The shared history."""

from drf_spectacular.utils import extend_schema
from rest_framework.response import Response
from rest_framework.utils.urls import replace_query_param

from portal.core.api import TeamViewSet
from portal.core.calls import with_query
from portal.history import entries
from portal.history.filters import JobEntries, RunEntries
from portal.history.serializers import (
    HistoryPageSerializer,
    HistoryQuerySerializer,
    MatchesSerializer,
    ProvenanceQuerySerializer,
)
from portal.jobs.models import Job
from portal.runs import provenance
from portal.runs.models import Run


class HistoryViewSet(TeamViewSet):
    queryset = Run.objects.live()
    filterset_class = RunEntries
    serializer_class = HistoryPageSerializer
    pagination_class = None

    @extend_schema(responses=HistoryPageSerializer)
    @with_query(HistoryQuerySerializer)
    def list(self, request):
        """The team's runs and jobs, merged by time, newest first."""
        runs = self.filter_queryset(self.get_queryset())
        jobs = JobEntries(request.query_params, Job.objects.for_team(request.team), request=request).qs
        found, after = entries.page(runs, jobs, self.query.get("before"), self.query["limit"])
        address = request.build_absolute_uri()
        page = {
            "next": replace_query_param(address, "before", str(after)) if after else None,
            "previous": None,
            "results": found,
        }
        return Response(HistoryPageSerializer(page).data)


class ProvenanceViewSet(TeamViewSet):
    queryset = Run.objects.all()
    serializer_class = MatchesSerializer
    pagination_class = None
    filter_backends = []

    @extend_schema(responses=MatchesSerializer)
    @with_query(ProvenanceQuerySerializer)
    def list(self, request):
        """Find files and dataset contents with this hash. The run's report has the full chain."""
        return Response(
            MatchesSerializer({"matches": provenance.find(request.team, self.query["sha256"])}).data
        )
