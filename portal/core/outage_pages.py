"""The response during an outage: problem details for programs, a page without database queries for people."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render

from portal.core.outages import Outage
from portal.core.problems import problem_page


def outage_page(request, outage: Outage) -> HttpResponse:
    """Say what is wrong and when to try again (``Retry-After``)."""
    if request.path.startswith("/api/"):
        response = problem_page(outage.status, outage.sentence)
    else:
        response = render(None, "outage.html", {"sentence": outage.sentence}, status=outage.status)
    response["Retry-After"] = str(outage.seconds)
    return response
