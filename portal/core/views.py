"""The start page, and the pages for errors."""

from __future__ import annotations

from datetime import timedelta

from django.contrib.auth.decorators import login_not_required
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from portal.core import languages, live
from portal.core.live import Live
from portal.datasets.models import Dataset, DatasetVersion
from portal.devices.models import Device
from portal.jobs.models import ACTIVE, Job, Status
from portal.runs.models import Run

LATELY = timedelta(days=7)
SHOWN = 8


def home(request):
    """What runs, what failed, which boards are well, what to do next."""
    return render(request, "core/home.html", {"live": _live(request), "next": _next_step(request)})


def home_live(request):
    """The live part of the start page."""
    return live.answer(request, lambda: _live(request))


@login_not_required
@require_POST
def language(request):
    """Read in another language from now on, and go back to the page."""
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
    runs = Run.objects.for_team(team).select_related(
        "dataset_version__dataset", "created_by", "trained_model"
    )
    jobs = Job.objects.for_team(team).filter(status__in=ACTIVE).select_related("created_by")
    since = timezone.now() - LATELY
    context = {
        "running": runs.filter(status__in=ACTIVE)[:SHOWN],
        "failed": runs.filter(status=Status.FAILED, finished_at__gte=since)[:SHOWN],
        "finished": runs.filter(status=Status.SUCCEEDED)[:SHOWN],
        "checks": DatasetVersion.objects.for_team(team)
        .live()
        .filter(job__status__in=[*ACTIVE, Status.FAILED], job__queued_at__gte=since)
        .select_related("dataset", "job")[:SHOWN],
        "devices": Device.objects.for_team(team).select_related("busy_with", "probe_job"),
    }
    active = jobs.exists() or any(run.is_active for run in context["running"])
    body = render_to_string("core/_home_live.html", context, request=request)
    return Live("home-live", reverse("home-live"), body, active)


def api_docs(request):
    """The schema of the REST API, to read and to try."""
    return render(request, "core/api_docs.html")


def _next_step(request) -> str:
    """Which advice the start page gives; the words stand in the template."""
    team = request.team
    if not Dataset.objects.for_team(team).live().exists():
        return "dataset"
    if not Run.objects.for_team(team).exists():
        return "run"
    if not Device.objects.for_team(team).exists():
        return "device"
    return ""


def _error(request, status: int, title: str, icon: str, sentence: str):
    context = {"title": title, "icon": icon, "sentence": sentence}
    return render(request, "core/error.html", context, status=status)


def bad_request(request, exception):
    sentence = _("The server could not understand this request. Go back, reload the page and try again.")
    return _error(request, 400, _("Not understood"), "question-circle", sentence)


def forbidden(request, exception):
    sentence = str(exception) or _("You may not do this.")
    return _error(request, 403, _("Not allowed"), "lock", sentence)


def not_found(request, exception):
    sentence = _("There is nothing at this address, or it belongs to another team.")
    return _error(request, 404, _("Not found"), "compass", sentence)


def unexpected(request):
    """Without templates that need the database: it may be what failed."""
    return render(None, "500.html", status=500)
