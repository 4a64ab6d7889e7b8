"""The part of the devices' API that changes the credentials of a board."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.response import Response

from portal.core.calls import without_body
from portal.devices import access
from portal.devices.serializers import (
    AccessChangeSerializer,
    BoardPasswordSerializer,
    PasswordChangeSerializer,
)


class AccessActions:
    """Actions of ``DeviceViewSet``; each change is a job."""

    @extend_schema(responses=AccessChangeSerializer(many=True))
    @action(detail=True, filter_backends=[])
    def access(self, request, pk=None):
        """The changes of the board's credentials, newest first."""
        rows = self.get_object().access_changes.select_related("job__created_by", "created_by")
        page = self.paginate_queryset(rows)
        return self.get_paginated_response(AccessChangeSerializer(page, many=True).data)

    @extend_schema(request=None, responses={202: AccessChangeSerializer})
    @action(detail=True, methods=["post"], url_path="access/key", refusals=(409,))
    @without_body
    def install_key(self, request, pk=None):
        """Make an Ed25519 key pair for the device, authorize it on the board and sign in with it after that.

        The stored credentials stay in use until the board has taken the key.
        """
        change = access.install_key(self.get_object(), request.user)
        return Response(AccessChangeSerializer(change).data, status=202)

    @extend_schema(request=BoardPasswordSerializer, responses={202: PasswordChangeSerializer})
    @action(detail=True, methods=["post"], url_path="access/password", refusals=(409,))
    def change_password(self, request, pk=None):
        """Change the password on the board. Without ``password``, the response has a generated one."""
        form = BoardPasswordSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        given = form.validated_data.get("password", "")
        password = given or access.generate_password()
        change = access.change_password(self.get_object(), request.user, password)
        change.password = None if given else password
        return Response(PasswordChangeSerializer(change).data, status=202)

    @extend_schema(request=None, responses={202: AccessChangeSerializer})
    @action(detail=True, methods=["post"], url_path="access/undo", refusals=(409,))
    @without_body
    def undo_access(self, request, pk=None):
        """Undo the newest change: remove the key, or set the previous password."""
        change = access.undo(self.get_object(), request.user)
        return Response(AccessChangeSerializer(change).data, status=202)
