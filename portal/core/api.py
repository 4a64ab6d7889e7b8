"""Base classes of API endpoints."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from drf_spectacular.utils import extend_schema
from drf_spectacular.views import SpectacularAPIView
from rest_framework import viewsets
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.parsers import MultiPartParser
from rest_framework.response import Response

from portal.core import calls, conditional, configs, deprecation, idempotency, ratelimit
from portal.core.conditional import NotModified
from portal.core.pagination import ByNewest
from portal.core.serializers import BoardProfile, Chip, RecipesSerializer


class ApiViewSet(viewsets.GenericViewSet):
    """Base of every endpoint.

    ``refusals``: error statuses specific to this view, for the schema. ``secret_actions``: actions whose
    responses hold a secret, which an ``Idempotency-Key`` does not store. ``unlimited_methods`` do not count
    against the rate limit. ``file_actions``: actions that take a form with files as well as JSON.
    ``page_actions``: actions that return a page of rows. ``orderings``: the fields that rows can be ordered
    by, never null, the default first.
    """

    refusals: tuple = ()
    secret_actions: tuple = ()
    unlimited_methods: tuple = ()
    file_actions: tuple = ()
    page_actions: tuple = ("list",)
    orderings: tuple = ("id",)
    query: Mapping = {}  # the validated query parameters, set by ``calls.with_query``

    def get_parsers(self):
        # The framework calls this before it sets the action; the schema generator sets the action first.
        action = getattr(self, "action", None) or self.action_map.get(self.request.method.lower())
        files = [MultiPartParser()] if action in self.file_actions else []
        return [*super().get_parsers(), *files]

    def perform_authentication(self, request):
        """Count the call before it can be refused, so that refused calls count too."""
        try:
            super().perform_authentication(request)
        finally:
            self.check_throttles(request)

    def initial(self, request, *args, **kwargs):
        super().initial(request, *args, **kwargs)
        if self.action and self.action != "metadata":
            self.query = calls.check(self, request)
        # The caller is known from here on. The handler is looked up after this.
        if request.method == "POST" and hasattr(self, "post"):
            self.post = idempotency.once(self.post, self.action in self.secret_actions)
        name = request.method.lower()
        if name in ("put", "patch", "delete") and hasattr(self, name):
            setattr(self, name, conditional.unless_changed(self, getattr(self, name)))

    def list_parameters(self) -> list[str]:
        """The query parameters that may filter and page this call's list."""
        if self.action not in self.page_actions or self.request.method not in ("GET", "HEAD"):
            return []
        narrows = self.filter_backends and not self.detail and getattr(self, "filterset_class", None)
        return [*(narrows.base_filters if narrows else ()), *(ByNewest.PARAMETERS if self.paginator else ())]

    def throttled(self, request, wait):
        raise ratelimit.TooManyCalls(wait)

    def handle_exception(self, exc):
        if isinstance(exc, NotModified):
            return conditional.not_modified(exc.tag)
        return super().handle_exception(exc)

    def finalize_response(self, request, response, *args, **kwargs):
        if (
            request.method in ("GET", "HEAD")
            and response.status_code == 200
            and isinstance(response, Response)
        ):
            response = self._conditional(request, response)
        response = super().finalize_response(request, response, *args, **kwargs)
        response.holds_secret = self.action in self.secret_actions
        ratelimit.write_on(response, request)
        leaving = deprecation.of(self)
        if leaving:
            leaving.write_on(response)
        return response

    @staticmethod
    def _conditional(request, response):
        """Set the ETag, and skip rendering if the caller has the response already."""
        tag = response.headers.get("ETag") or conditional.tag_of_data(response.data)
        if conditional.is_known(request, tag):
            return conditional.not_modified(tag)
        return conditional.mark(response, tag)


class AnyAnswer(BaseContentNegotiation):
    """For file responses: ``Accept`` and ``?format=`` do not choose their format."""

    def select_renderer(self, request, renderers, format_suffix=None):
        return renderers[0], renderers[0].media_type


class TeamViewSet(ApiViewSet):
    """Starts every query from the caller's team. Ids of other teams are not found."""

    def get_queryset(self):
        if getattr(self, "swagger_fake_view", False):
            return super().get_queryset().none()
        return super().get_queryset().for_team(self.request.team)


class BookViewSet(ApiViewSet):
    """The contents of ``configs/``: the same for everyone, complete."""

    filter_backends: tuple = ()
    pagination_class = None


class IndexViewSet(BookViewSet):
    """An index. ``names``: the entries directly below it."""

    names: tuple = ()

    @extend_schema(operation_id="index", responses={200: dict[str, str]})
    def show(self, request):
        """The API's entry points with their URLs. `docs/` and `schema/` describe it."""
        return Response({name: request.build_absolute_uri(f"{name}/") for name in self.names})


class RecipeViewSet(BookViewSet):
    @extend_schema(responses={200: RecipesSerializer})
    def show(self, request):
        """Recipes by name, and the presets that use them."""
        return Response(configs.as_dict({"recipes": configs.recipes(), "presets": configs.presets()}))


class ChipViewSet(BookViewSet):
    @extend_schema(responses={200: dict[str, Chip]})
    def show(self, request):
        """Chips by name."""
        return Response(configs.as_dict(configs.chips()))


class BoardProfileViewSet(BookViewSet):
    @extend_schema(responses={200: dict[str, BoardProfile]})
    def show(self, request):
        """Board profiles by name: the kinds of devices that can be registered."""
        shown = BoardProfile.__annotations__
        boards = configs.as_dict(configs.boards())
        return Response({name: {key: board[key] for key in shown} for name, board in boards.items()})


@cache
def _schema(generator_class):
    return generator_class().get_schema(request=None, public=True)


class SchemaView(SpectacularAPIView):
    """The OpenAPI schema, generated once per process."""

    def _get_schema_response(self, request):
        return Response(_schema(self.generator_class))
