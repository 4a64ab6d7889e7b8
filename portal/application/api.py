"""Applications that run on boards without the portal."""

from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import mixins
from rest_framework.decorators import action
from rest_framework.response import Response

from portal.application import downloads, services
from portal.application.models import Act, Application
from portal.application.serializers import ApplicationSerializer, NewApplicationSerializer
from portal.core.api import AnyAnswer, TeamViewSet
from portal.core.calls import without_body
from portal.teams.models import Role


class ApplicationViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, TeamViewSet):
    queryset = Application.objects.select_related("device__team", "job__created_by")
    serializer_class = ApplicationSerializer
    filter_backends: tuple = ()
    write_role = Role.OPERATOR
    write_scope = "deploy"
    refusals = (409,)
    lookup_value_regex = r"\d{1,18}"

    @extend_schema(request=NewApplicationSerializer, responses={202: ApplicationSerializer})
    def create(self, request):
        """Install the application on a board and start it, in a job; it replaces one that is there."""
        form = NewApplicationSerializer(data=request.data, context={"request": request})
        form.is_valid(raise_exception=True)
        data = form.validated_data
        return self._answer(services.install(data["device"], request.user, data["config"], data["password"]))

    def _act(self, request, what: Act) -> Response:
        return self._answer(services.act(self.get_object(), request.user, what))

    def _answer(self, row: Application) -> Response:
        return Response(ApplicationSerializer(self.get_queryset().get(pk=row.pk)).data, status=202)

    @extend_schema(responses={202: ApplicationSerializer})
    @action(detail=True, methods=["post"])
    @without_body
    def start(self, request, pk=None):
        """Start it."""
        return self._act(request, Act.START)

    @extend_schema(responses={202: ApplicationSerializer})
    @action(detail=True, methods=["post"])
    @without_body
    def stop(self, request, pk=None):
        """Stop it; it starts again at the next boot."""
        return self._act(request, Act.STOP)

    @extend_schema(responses={202: ApplicationSerializer})
    @action(detail=True, methods=["post"])
    @without_body
    def refresh(self, request, pk=None):
        """Read the application's state from the board; ``told`` is up to date once the job has succeeded."""
        return self._act(request, Act.STATUS)

    @extend_schema(responses={202: ApplicationSerializer})
    @action(detail=True, methods=["post"])
    @without_body
    def remove(self, request, pk=None):
        """Stop it and remove it from the board."""
        return self._act(request, Act.REMOVE)

    @extend_schema(responses={(200, "application/zip"): OpenApiTypes.BINARY})
    @action(detail=True, pagination_class=None, content_negotiation_class=AnyAnswer)
    def package(self, request, pk=None):
        """The application as a zip, to install by hand; with a C++ main for the vendor's SDK."""
        data = downloads.zipped(self.get_object().device)
        return HttpResponse(data, content_type="application/zip")
