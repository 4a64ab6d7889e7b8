"""Who may call the API: the role of the person and the scope of the token both limit."""

from __future__ import annotations

from rest_framework import exceptions, permissions

from portal.core.messages import shown
from portal.core.numbers import whole_number
from portal.core.refusals import NOT_ALLOWED
from portal.teams.models import Role, Scope
from portal.teams.services import membership_of
from workers.contract.messages import msg

SCOPE_OF_ROLE = {Role.OPERATOR: Scope.DEPLOY, Role.ADMIN: Scope.ADMIN}
NOT_A_MEMBER = msg("You are not a member of the team that the X-Team header names, or there is no such team.")
ANOTHER_TEAM = msg("This token is for another team than the X-Team header names: leave the header out.")
OWNER_LEFT = msg("The owner of this token is no longer in its team, so it opens nothing any more.")


class MissingScope(exceptions.PermissionDenied):
    """The token may not do this; says which scope would."""

    def __init__(self, scope: str):
        super().__init__(
            shown(
                msg(
                    "This token lacks the scope {scope}. Make one with it, or ask an administrator of your "
                    "team.",
                    scope=scope,
                )
            )
        )
        self.auth_header = f'Bearer realm="Slipway", error="insufficient_scope", scope="{scope}"'


def require_scope(request, scope: str) -> None:
    """Raise MissingScope when the caller comes with a token that has not ``scope``."""
    token = getattr(request, "token", None)
    if token is not None and scope not in token.scopes:
        raise MissingScope(scope)


class InTeam(permissions.BasePermission):
    """Signed in and in a team.

    A view says with ``read_role`` and ``read_scope`` who may look (viewer, ``read``), and with
    ``write_role`` and ``write_scope`` who may change something (member; the scope that fits the role).
    """

    message = NOT_ALLOWED

    def has_permission(self, request, view) -> bool:
        if not request.user.is_authenticated:
            return False
        membership = _membership(request)
        if membership is None:
            return False
        # On Django's own request: the audit and what is left of the middleware look there.
        request._request.team, request._request.membership = membership.team, membership
        role, scope = _needed(request, view)
        require_scope(request, scope)
        return membership.at_least(role)


def _membership(request):
    """The token's team; else the one that the header names; else the session's or the first."""
    token, wanted = getattr(request, "token", None), request.headers.get("X-Team", "")
    if token is not None:
        if wanted and wanted != str(token.team_id):
            raise exceptions.PermissionDenied(shown(ANOTHER_TEAM))
        membership = membership_of(request.user, token.team_id)
        if membership is None:
            raise exceptions.PermissionDenied(shown(OWNER_LEFT))
        return membership
    if wanted:
        team_id = whole_number(wanted) or 0
        membership = membership_of(request.user, team_id)
        if membership is None:
            raise exceptions.PermissionDenied(shown(NOT_A_MEMBER))
        return membership
    return getattr(request, "membership", None) or membership_of(request.user)


def _needed(request, view) -> tuple[str, str]:
    if request.method in permissions.SAFE_METHODS:
        return getattr(view, "read_role", Role.VIEWER), getattr(view, "read_scope", Scope.READ)
    role = getattr(view, "write_role", Role.MEMBER)
    return role, getattr(view, "write_scope", SCOPE_OF_ROLE.get(role, Scope.RUNS))
