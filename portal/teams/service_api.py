"""Service accounts of a team."""

from drf_spectacular.utils import extend_schema
from rest_framework import mixins, serializers
from rest_framework.decorators import action
from rest_framework.response import Response

from portal.core.api import TeamViewSet
from portal.core.names import one_line
from portal.core.serializers import KnownFieldsOnly
from portal.teams import service_accounts
from portal.teams.identity_models import ServiceAccount
from portal.teams.models import Role, Scope
from portal.teams.serializers import MadeTokenSerializer, NewTokenSerializer


class ServiceAccountSerializer(serializers.ModelSerializer):
    username = serializers.CharField(source="user.username", help_text="its name in the audit")
    role = serializers.SerializerMethodField()
    created_by = serializers.CharField(source="created_by.username", default=None, allow_null=True)

    class Meta:
        model = ServiceAccount
        fields = ["id", "name", "username", "role", "created_by", "created_at"]

    def get_role(self, account) -> str:
        return next((row.role for row in account.user.memberships.all()), Role.VIEWER)


class TextField(serializers.CharField):
    """A text, and no number in its place."""

    def to_internal_value(self, data):
        if not isinstance(data, str):
            self.fail("invalid")
        return super().to_internal_value(data)


class NewServiceAccountSerializer(KnownFieldsOnly, serializers.Serializer):
    """A new account for programs; it has at most the role operator."""

    name = TextField(max_length=100, validators=[one_line])
    role = serializers.ChoiceField(choices=[(role.value, role.label) for role in service_accounts.ROLES])


class ServiceAccountViewSet(
    mixins.ListModelMixin, mixins.RetrieveModelMixin, mixins.DestroyModelMixin, TeamViewSet
):
    """Accounts of the team for programs, without a password. For administrators."""

    queryset = ServiceAccount.objects.none()
    serializer_class = ServiceAccountSerializer
    read_role = write_role = Role.ADMIN
    read_scope = write_scope = Scope.ADMIN
    secret_actions = ("tokens",)
    lookup_value_regex = r"\d{1,18}"

    def get_queryset(self):
        if getattr(self, "swagger_fake_view", False):
            return self.queryset
        rows = service_accounts.of_team(self.request.team)
        return rows.prefetch_related("user__memberships").order_by("-pk")

    @extend_schema(request=NewServiceAccountSerializer, responses={201: ServiceAccountSerializer})
    def create(self, request):
        """Create an account. It has no token yet."""
        form = NewServiceAccountSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        made = service_accounts.make(request.team, request.user, **form.validated_data)
        return Response(ServiceAccountSerializer(made).data, status=201)

    @extend_schema(request=NewTokenSerializer, responses={201: MadeTokenSerializer})
    @action(detail=True, methods=["post"])
    def tokens(self, request, pk=None):
        """Create a token of the account. Only this response contains its secret."""
        account = self.get_object()
        form = NewTokenSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        data = form.validated_data
        token, secret = service_accounts.make_token(account, data["name"], list(data["scopes"]), data["days"])
        token.secret = secret
        return Response(MadeTokenSerializer(token).data, status=201)

    def perform_destroy(self, instance):
        """End the account and its tokens."""
        service_accounts.end(instance)
