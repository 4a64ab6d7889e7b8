"""The start page and the error pages."""

from __future__ import annotations

import sys

from django.contrib.auth.decorators import login_not_required
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from portal.core import languages, live
from portal.core.live import Live
from portal.core.outage_pages import outage_page
from portal.core.outages import outage_of
from portal.core.problems import UNEXPECTED, problem_page
from portal.home import dashboard


def home(request):
    """The dashboard: active work, failures, boards, next steps."""
    steps = dashboard.first_steps(request.team)
    context = {
        "live": _live(request),
        "steps": steps,
        "next": next((key for key, done in steps if not done), ""),
    }
    return render(request, "home/home.html", context)


def home_live(request):
    """The live part of the start page."""
    return live.respond(request, lambda: _live(request))


@login_not_required
@require_POST
def language(request):
    """Switch the language and return to the page."""
    back = request.POST.get("next", "")
    if not url_has_allowed_host_and_scheme(back, {request.get_host()}, request.is_secure()):
        back = reverse("home")
    response = redirect(back)
    if languages.is_known(request.POST.get("language", "")):
        languages.remember(request, response, request.POST["language"])
    return response


language.needs_no_team = True


def _live(request) -> Live:
    team = request.team
    context = {
        "work": dashboard.at_work(team),
        "reviews": dashboard.reviews(team),
        "failures": dashboard.failures(team),
        "finished": dashboard.finished(team),
        **dashboard.boards(team),
    }
    body = render_to_string("home/_live.html", context, request=request)
    return Live("home-live", reverse("home-live"), body, active=bool(context["work"]))


def api_docs(request):
    """Interactive documentation of the REST API."""
    return render(request, "home/api_docs.html")


def _error(request, status: int, title: str, icon: str, sentence: str):
    if request.path.startswith("/api/"):
        return problem_page(status, sentence)
    context = {"title": title, "icon": icon, "sentence": sentence}
    return render(request, "home/error.html", context, status=status)


def bad_request(request, exception):
    sentence = _("The server could not understand this request. Go back, reload the page and try again.")
    return _error(request, 400, _("Not understood"), "question-circle", sentence)


def forbidden(request, exception):
    sentence = str(exception) or _("You are not allowed to do this.")
    return _error(request, 403, _("Not allowed"), "lock", sentence)


def not_found(request, exception):
    sentence = _("There is nothing at this address, or it belongs to another team.")
    return _error(request, 404, _("Not found"), "compass", sentence)


def unexpected(request):
    """The 500 page, without templates that need the database: it may be what failed.

    Failures outside views end here too: an outage in a middleware is reported as one.
    """
    outage = outage_of(sys.exception())
    if outage:
        return outage_page(request, outage)
    if request.path.startswith("/api/"):
        return problem_page(500, UNEXPECTED)
    return render(None, "500.html", status=500)
