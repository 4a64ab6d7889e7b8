"""API permissions: limited by both the person's role and the token's scope."""

from __future__ import annotations

from rest_framework import exceptions, permissions

from portal.core.messages import shown
from portal.core.numbers import whole_number
from portal.core.refusals import NOT_ALLOWED
from portal.teams import second_factor
from portal.teams.models import Role, Scope
from portal.teams.services import membership_of
from workers.contract.messages import msg

SCOPE_OF_ROLE = {Role.OPERATOR: Scope.DEPLOY, Role.ADMIN: Scope.ADMIN}
NOT_A_MEMBER = msg("You are not a member of the team that the X-Team header names, or there is no such team.")
ANOTHER_TEAM = msg("This token is for another team than the X-Team header names: leave the header out.")
NO_SECOND_FACTOR = msg(
    "Your account needs a second factor here: set it up on the page of your account, or use an API token."
)
OWNER_LEFT = msg("The owner of this token is no longer in its team, so it opens nothing any more.")


class MissingScope(exceptions.PermissionDenied):
    """The token lacks a scope; the message names it."""

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
    """Raise MissingScope if the caller uses a token without ``scope``."""
    token = getattr(request, "token", None)
    if token is not None and scope not in token.scopes:
        raise MissingScope(scope)


class InTeam(permissions.BasePermission):
    """Signed in and in a team.

    A view declares with ``read_role`` and ``read_scope`` who may read (viewer, ``read``), and with
    ``write_role`` and ``write_scope`` who may write (member; the scope that matches the role).
    """

    message = NOT_ALLOWED

    def has_permission(self, request, view) -> bool:
        if not request.user.is_authenticated:
            return False
        membership = _membership(request)
        if membership is None:
            return False
        # On Django's own request: the audit and the remaining middleware read it there.
        request._request.team, request._request.membership = membership.team, membership
        _refuse_without_second_factor(request, membership)
        role, scope = _needed(request, view)
        require_scope(request, scope)
        return membership.at_least(role)


def _refuse_without_second_factor(request, membership) -> None:
    """A token has proved itself when it was created; a browser or a password has not."""
    if getattr(request, "token", None) is None:
        if second_factor.is_missing(request.user, membership.team, request.session):
            raise exceptions.PermissionDenied(shown(NO_SECOND_FACTOR))


def _membership(request):
    """The token's team; else the one in the header; else the session's, or the first."""
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
