"""Teams, members, invitations, tokens and the audit."""

from django.shortcuts import get_object_or_404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import mixins
from rest_framework.decorators import action
from rest_framework.response import Response

from portal.core.api import AnyAnswer, ApiViewSet, TeamViewSet
from portal.core.calls import with_query, without_body
from portal.teams import audit, audit_export, password_links, services, tokens
from portal.teams.access import refuse_unless
from portal.teams.filters import MemberFilter, TokenFilter
from portal.teams.models import ApiToken, AuditEntry, Invitation, Membership, Role, Scope, Team
from portal.teams.serializers import (
    AuditEntrySerializer,
    AuditQuerySerializer,
    InvitationSerializer,
    MadeInvitationSerializer,
    MadeTokenSerializer,
    MemberSerializer,
    NewInvitationSerializer,
    NewTeamSerializer,
    NewTokenSerializer,
    ResetLinkSerializer,
    TeamChangeSerializer,
    TeamSerializer,
    TokenSerializer,
)


class TeamsViewSet(mixins.ListModelMixin, ApiViewSet):
    """The caller's teams. The header ``X-Team`` selects the team to work in; a token has its own."""

    queryset = Membership.objects.select_related("team")
    serializer_class = TeamSerializer
    write_role, write_scope = Role.VIEWER, Scope.ADMIN
    lookup_value_regex = r"\d{1,18}"
    filter_backends: tuple = ()

    def get_queryset(self):
        if getattr(self, "swagger_fake_view", False):
            return self.queryset.none()
        rows = self.queryset.filter(user=self.request.user)
        token = getattr(self.request, "token", None)
        return rows.filter(team=token.team_id) if token else rows

    @extend_schema(request=NewTeamSerializer, responses={201: TeamSerializer})
    def create(self, request):
        """Create a team on this server (server administrators only); the caller becomes its first
        administrator.
        """
        services.refuse_unless_server_admin(request.user)
        team = services.create_team(_new_name(request, Team()), request.user)
        made = self.get_queryset().filter(team=team).first() or Membership.objects.get(team=team)
        return Response(self.get_serializer(made).data, status=201)

    @extend_schema(request=TeamChangeSerializer, responses=TeamSerializer)
    def partial_update(self, request, pk=None):
        """Rename the current team, or change its settings."""
        membership = get_object_or_404(self.get_queryset(), team_id=pk, team=request.team)
        refuse_unless(request, Role.ADMIN)
        form = TeamChangeSerializer(membership.team, data=request.data, partial=True)
        form.is_valid(raise_exception=True)
        if "name" in form.validated_data:
            services.rename_team(membership.team, form.validated_data["name"])
        wanted = {name: form.validated_data[name] for name in Team.SETTINGS if name in form.validated_data}
        services.change_settings(membership.team, **wanted)
        return Response(self.get_serializer(membership).data)


def _new_name(request, team: Team) -> str:
    form = NewTeamSerializer(team, data=request.data)
    form.is_valid(raise_exception=True)
    return form.validated_data["name"]


class MemberViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, mixins.DestroyModelMixin, TeamViewSet):
    queryset = Membership.objects.select_related("user", "team")
    serializer_class = MemberSerializer
    filterset_class = MemberFilter
    secret_actions = ("reset_link",)
    write_role, write_scope = Role.VIEWER, Scope.ADMIN  # anyone may leave; the rest is for administrators
    lookup_value_regex = r"\d{1,18}"

    def get_queryset(self):
        if getattr(self, "swagger_fake_view", False):
            return self.queryset.none()
        return self.queryset.of_people().filter(team=self.request.team)

    @extend_schema(request=MemberSerializer, responses=MemberSerializer)
    def partial_update(self, request, pk=None):
        """Change a member's role."""
        member = self.get_object()
        refuse_unless(request, Role.ADMIN)
        form = MemberSerializer(member, data=request.data, partial=True)
        form.is_valid(raise_exception=True)
        services.change_role(member, form.validated_data.get("role", member.role))
        return Response(MemberSerializer(member).data)

    def perform_destroy(self, instance):
        """Remove a member from the team. Anyone may remove themselves."""
        if instance.user_id != self.request.user.pk:
            refuse_unless(self.request, Role.ADMIN)
        services.remove_member(instance)

    @extend_schema(responses=ResetLinkSerializer)
    @action(detail=True, methods=["post"], url_path="reset-link")
    @without_body
    def reset_link(self, request, pk=None):
        """Create a one-time link with which the member sets a new password. Only this response contains
        it.
        """
        member = self.get_object()
        refuse_unless(request, Role.ADMIN)
        password_links.refuse_unless_resettable(request.user, member.user)
        path = password_links.reset_path(member.user, request.user, request.team)
        return Response({"link": request.build_absolute_uri(path)})


class InvitationViewSet(mixins.ListModelMixin, mixins.DestroyModelMixin, TeamViewSet):
    """Invitations that are still valid."""

    queryset = Invitation.objects.select_related("created_by")
    serializer_class = InvitationSerializer
    read_role = write_role = Role.ADMIN
    read_scope = Scope.ADMIN
    secret_actions = ("create",)
    lookup_value_regex = r"\d{1,18}"

    def get_queryset(self):
        rows = super().get_queryset().filter(used_at=None)
        return rows.usable() if self.action == "list" else rows

    @extend_schema(request=NewInvitationSerializer, responses={201: MadeInvitationSerializer})
    def create(self, request):
        """Create an invitation link. Only this response contains it."""
        form = NewInvitationSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        made, path = services.invite(request.team, request.user, **form.validated_data)
        made.link = request.build_absolute_uri(path)
        return Response(MadeInvitationSerializer(made).data, status=201)

    def perform_destroy(self, instance):
        services.withdraw(instance)


class TokenViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, mixins.DestroyModelMixin, TeamViewSet):
    """The caller's tokens in this team; administrators see those of everyone."""

    queryset = ApiToken.objects.select_related("user")
    serializer_class = TokenSerializer
    filterset_class = TokenFilter
    orderings = ("id", "name", "created_at")
    write_role = Role.VIEWER
    read_scope = write_scope = Scope.ADMIN  # a token that can create tokens can do anything
    secret_actions = ("create",)
    lookup_value_regex = r"\d{1,18}"

    def get_queryset(self):
        rows = super().get_queryset()
        if getattr(self, "swagger_fake_view", False) or self.request.membership.at_least(Role.ADMIN):
            return rows
        return rows.filter(user=self.request.user)

    @extend_schema(request=NewTokenSerializer, responses={201: MadeTokenSerializer})
    def create(self, request):
        """Create a token. Only this response contains its secret."""
        form = NewTokenSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        data = form.validated_data
        token, secret = tokens.make(
            request.team, request.user, data["name"], list(data["scopes"]), data["days"]
        )
        token.secret = secret
        return Response(MadeTokenSerializer(token).data, status=201)

    def perform_destroy(self, instance):
        """Revoke the token; it stays in the list."""
        tokens.revoke(instance)


class AuditViewSet(mixins.ListModelMixin, ApiViewSet):
    """Who did what, newest first. For administrators of the team."""

    queryset = AuditEntry.objects.all()
    filter_backends: tuple = ()
    serializer_class = AuditEntrySerializer
    read_role, read_scope = Role.ADMIN, Scope.ADMIN

    def get_queryset(self):
        if getattr(self, "swagger_fake_view", False):
            return self.queryset.none()
        return audit.narrow(audit.entries_for(self.request.team, self.request.user), self.query)

    @with_query(AuditQuerySerializer)
    def list(self, request):
        return super().list(request)

    @extend_schema(responses={(200, "text/csv"): OpenApiTypes.STR}, filters=False)
    @action(detail=False, pagination_class=None, content_negotiation_class=AnyAnswer)
    @with_query(AuditQuerySerializer)
    def csv(self, request):
        """The whole audit as a CSV file. The download is itself audited."""
        return audit_export.as_csv(request, self.get_queryset())
