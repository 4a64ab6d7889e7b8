"""Jump hosts: hosts through which devices are reached."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema
from rest_framework import mixins, serializers
from rest_framework.response import Response

from portal.core.api import TeamViewSet
from portal.core.messages import shown
from portal.core.names import one_line
from portal.devices import jump_hosts
from portal.devices.credentials import Credentials
from portal.devices.errors import BoardError
from portal.devices.hosts import check_host
from portal.devices.models import JumpHost
from portal.devices.serializers import SecretSerializer
from portal.teams.models import Role
from workers.contract.messages import msg


class JumpHostSerializer(serializers.ModelSerializer):
    """A host through which devices are reached. ``auth`` is `password` or `key`."""

    class Meta:
        model = JumpHost
        fields = ["id", "name", "host", "port", "username", "auth", "host_key", "created_at"]


class NewJumpHostSerializer(SecretSerializer):
    """``host_key`` is the expected one. Without it, the key that a new host shows is pinned."""

    name = serializers.CharField(max_length=80, validators=[one_line])
    host = serializers.CharField(max_length=255, validators=[check_host])
    port = serializers.IntegerField(default=22, min_value=1, max_value=65535)
    username = serializers.CharField(max_length=64, validators=[one_line])
    host_key = serializers.CharField(required=False, allow_blank=True, max_length=120, validators=[one_line])

    def validate(self, data):
        if not data.get("password") and not data.get("private_key"):
            raise serializers.ValidationError({"password": shown(msg("Give a password or a private key."))})
        return super().validate(data)


class JumpHostViewSet(
    mixins.ListModelMixin, mixins.RetrieveModelMixin, mixins.DestroyModelMixin, TeamViewSet
):
    queryset = JumpHost.objects.all()
    serializer_class = JumpHostSerializer
    filter_backends: tuple = ()
    orderings = ("id", "name")
    write_role = Role.OPERATOR
    lookup_value_regex = r"\d{1,18}"

    @extend_schema(
        request=NewJumpHostSerializer, responses={200: JumpHostSerializer, 201: JumpHostSerializer}
    )
    def create(self, request):
        """Make a jump host, or replace the one with this name (200). Its host key is read and pinned."""
        form = NewJumpHostSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        data = dict(form.validated_data)
        secret = {name: data.pop(name, "") for name in ("password", "private_key", "passphrase")}
        try:
            row, made = jump_hosts.put(request.team, request.user, credentials=Credentials(**secret), **data)
        except jump_hosts.AnotherKey:
            raise
        except BoardError as error:
            raise serializers.ValidationError({"host": [shown(error)]}) from error
        return Response(JumpHostSerializer(row).data, status=201 if made else 200)

    def perform_destroy(self, instance):
        jump_hosts.remove(instance, self.request.user)
