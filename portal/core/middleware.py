"""What every request passes: the content security policy, and the team in whose name it acts."""

from __future__ import annotations

from django.core.exceptions import PermissionDenied

from portal.teams.models import Role
from portal.teams.services import membership_of

# Nothing from elsewhere, nothing inline. Bootstrap's own CSS draws its arrows and ticks as data: images.
POLICY = "; ".join(
    [
        "default-src 'self'",
        "img-src 'self' data:",
        "object-src 'none'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    ]
)
NO_TEAM = (
    "Your account is not a member of any team yet, so there is nothing to show: "
    "ask an administrator of this server to add you to one."
)


class ContentSecurityPolicy:
    """Sets the policy on every answer that has none of its own."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        response = self.get_response(request)
        response.headers.setdefault("Content-Security-Policy", POLICY)
        return response


class CurrentTeam:
    """Gives each request its team: ``request.team`` and ``request.membership``, both None when signed out.

    ``request.may_edit`` and ``request.may_operate`` say what the person's role allows, for templates.
    A person without a team gets a 403 page; the API answers for itself.
    """

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        signed_in = request.user.is_authenticated
        request.membership = membership_of(request.user) if signed_in else None
        request.team = request.membership.team if request.membership else None
        request.may_edit = bool(request.membership and request.membership.at_least(Role.MEMBER))
        request.may_operate = bool(request.membership and request.membership.at_least(Role.OPERATOR))
        return self.get_response(request)

    def process_view(self, request, view, args, kwargs):
        if request.team or not request.user.is_authenticated or request.path.startswith("/api/"):
            return
        if getattr(view, "needs_no_team", False) or not getattr(view, "login_required", True):
            return
        raise PermissionDenied(NO_TEAM)
