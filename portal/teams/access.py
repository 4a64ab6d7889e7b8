"""Role checks for HTML pages."""

from __future__ import annotations

import functools

from django.core.exceptions import PermissionDenied

from portal.teams.models import IN_WORDS, Role
from portal.teams.permissions import SCOPE_OF_ROLE, require_scope
from workers.contract.messages import msg


def role_required(role: str):
    """Restrict a view to members with at least ``role``; raise PermissionDenied for others."""

    def decorate(view):
        @functools.wraps(view)
        def guarded(request, *args, **kwargs):
            refuse_unless(request, role)
            return view(request, *args, **kwargs)

        return guarded

    return decorate


def refuse_unless(request, role: str) -> None:
    """Raise PermissionDenied for a lower role, MissingScope for a token without the matching scope."""
    if role in SCOPE_OF_ROLE:
        require_scope(request, SCOPE_OF_ROLE[role])
    if request.membership.at_least(role):
        return
    raise PermissionDenied(
        msg(
            "Your role in the team {team} is {role}; this needs the role {least} or above. Ask "
            "an administrator of your team to do it or to change your role.",
            role=IN_WORDS[request.membership.role],
            team=request.team.name,
            least=IN_WORDS[role],
        )
    )


def refuse_unless_server_administrator(request) -> None:
    """Raise PermissionDenied, or MissingScope for a token without the scope ``admin``."""
    require_scope(request, SCOPE_OF_ROLE[Role.ADMIN])
    if not request.user.is_superuser:
        raise PermissionDenied(msg("Only an administrator of this server may see this."))


member_required = role_required(Role.MEMBER)
operator_required = role_required(Role.OPERATOR)
admin_required = role_required(Role.ADMIN)
