"""Who may call the API."""

from rest_framework import permissions

from portal.teams.models import Role
from portal.teams.services import membership_of


class InTeam(permissions.BasePermission):
    """Signed in and in a team; ``write_role`` of the view for anything that changes something."""

    message = "Your role in this team does not allow this; ask its administrator."

    def has_permission(self, request, view) -> bool:
        if not request.user.is_authenticated:
            return False
        membership = membership_of(request.user)
        if membership is None:
            return False
        request.team, request.membership = membership.team, membership
        if request.method in permissions.SAFE_METHODS:
            return True
        return membership.at_least(getattr(view, "write_role", Role.MEMBER))
