"""Middleware of every request: its team, and the audit."""

from __future__ import annotations

from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import redirect, render

from portal.core import patience, ratelimit
from portal.core.problems import problem_page
from portal.core.secret_paths import mask
from portal.teams import audit, second_factor, sign_ins
from portal.teams.models import Role
from portal.teams.services import choose, memberships_of
from workers.contract.messages import msg

NO_TEAM = msg(
    "Your account is not a member of any team yet, so there is nothing to show: "
    "ask an administrator of this server to add you to one."
)


class CurrentTeam:
    """Sets ``request.team`` and ``request.membership``, both None if signed out.

    A person who must have a second factor and has none gets its page.

    The session stores which of ``request.memberships`` it is. ``request.may_edit``, ``may_operate`` and
    ``may_admin`` tell templates what the role permits. A person without a team gets a 403 page; the API
    handles that itself.
    """

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        signed_in = request.user.is_authenticated
        request.memberships = memberships_of(request.user) if signed_in else []
        membership = choose(request.memberships, request.session.get("team"))
        request.membership, request.team = membership, membership.team if membership else None
        request.may_edit = bool(membership and membership.at_least(Role.MEMBER))
        request.may_operate = bool(membership and membership.at_least(Role.OPERATOR))
        request.may_admin = bool(membership and membership.at_least(Role.ADMIN))
        if signed_in:
            sign_ins.follow(request)
        return self.get_response(request)

    def process_view(self, request, view, args, kwargs):
        if not request.user.is_authenticated or request.path.startswith("/api/"):
            return None
        if getattr(view, "needs_no_team", False) or not getattr(view, "login_required", True):
            return None
        if not request.team:
            raise PermissionDenied(NO_TEAM)
        if second_factor.is_missing(request.user, request.team, request.session):
            return redirect("second-factor")
        return None


class Audit:
    """Gives the audit the current request, records and limits refusals, and records token calls.

    Changes are recorded where they happen. This middleware records what no service sees: a 403, the first
    call above the rate limit, and that a token was used at all. Refused calls, also of pages, count against
    the rate limit.
    """

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        with audit.during(request):
            response = self.get_response(request)
            if response.status_code in (401, 403) and not ratelimit.was_counted(request):
                response = _limited(request) or response
            self._record(request, response)
            return response

    @staticmethod
    def _record(request, response) -> None:
        status = response.status_code
        is_known = request.user.is_authenticated
        if is_known and (status == 403 or ratelimit.is_first_above(request)):
            with patience.note("a refusal in the audit"):
                audit.refused_call(_called(request), _reason(request, response))
        elif getattr(request, "token", None) and not request.audited and not ratelimit.is_above(request):
            audit.record_call(_called(request), status)

    def process_exception(self, request, exception):
        if isinstance(exception, PermissionDenied):
            request.refusal = str(exception)


def _limited(request) -> HttpResponse | None:
    """Count a refused call; return the rate-limit response if the limit is exceeded."""
    wait = ratelimit.seconds_to_wait(request)
    if not wait:
        return None
    sentence = ratelimit.sentence(wait)
    if request.path.startswith("/api/"):
        response = problem_page(429, sentence)
    else:
        response = render(None, "429.html", {"sentence": sentence}, status=429)
    response["Retry-After"] = str(wait)
    ratelimit.write_on(response, request)
    return response


def _called(request) -> str:
    return f"{request.method} {mask(request.path)}"


def _reason(request, response) -> str:
    """The message of a refusal: an endpoint's problem details, or the exception of a page."""
    return getattr(response, "said", "") or getattr(request, "refusal", "")
