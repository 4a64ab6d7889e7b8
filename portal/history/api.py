"""The shared history."""

from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.exceptions import ValidationError
from rest_framework.response import Response
from rest_framework.utils.urls import replace_query_param

from portal.core.api import TeamViewSet
from portal.history import entries
from portal.history.filters import JobEntries, RunEntries
from portal.history.serializers import HistoryPageSerializer, MatchesSerializer
from portal.jobs.models import Job
from portal.runs import provenance
from portal.runs.models import Run

MOST = 200


class HistoryViewSet(TeamViewSet):
    queryset = Run.objects.all()
    filterset_class = RunEntries
    serializer_class = HistoryPageSerializer
    pagination_class = None

    @extend_schema(
        parameters=[
            OpenApiParameter("before", str, description="where to go on; stands in `next`"),
            OpenApiParameter("limit", int, description=f"entries a page, up to {MOST}"),
        ],
        responses=HistoryPageSerializer,
    )
    def list(self, request):
        """All runs and jobs of the team in one row of time, newest first."""
        runs = self.filter_queryset(self.get_queryset())
        jobs = JobEntries(request.query_params, Job.objects.for_team(request.team), request=request).qs
        found, after = entries.page(runs, jobs, _place(request), _limit(request))
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

    @extend_schema(
        parameters=[
            OpenApiParameter("sha256", str, required=True, description="a SHA-256, or its first digits")
        ],
        responses=MatchesSerializer,
    )
    def list(self, request):
        """What is this file? Files and dataset contents with this hash; the run's report has the chain."""
        text = request.query_params.get("sha256", "").strip()
        if not provenance.is_hash(text):
            raise ValidationError(
                {"sha256": [_("Give a SHA-256 of 64 hexadecimal digits, or its first 8 at least.")]}
            )
        return Response(MatchesSerializer({"matches": provenance.find(request.team, text)}).data)


def _place(request) -> entries.Place | None:
    text = request.query_params.get("before", "")
    place = entries.Place.read(text)
    if text and place is None:
        raise ValidationError({"before": [_("This is no place in the history: take it from “next”.")]})
    return place


def _limit(request) -> int:
    text = request.query_params.get("limit", str(entries.PAGE_SIZE))
    if not (text.isascii() and text.isdigit() and 1 <= int(text[:9]) <= MOST):
        raise ValidationError({"limit": [_("Give a number from 1 to %(most)d.") % {"most": MOST}]})
    return int(text)
