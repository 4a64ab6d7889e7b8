"""``/healthz``, ``/readyz`` and ``/metrics``, outside sign-in, sessions, audit and host names.

A prober calls a container by its address, every few seconds, and must learn something while the database is
away. ``/metrics`` answers only who knows METRICS_TOKEN; without that setting it does not exist.
"""

from __future__ import annotations

import hmac

from django.conf import settings
from django.http import HttpResponse, JsonResponse
from prometheus_client import CONTENT_TYPE_LATEST

from portal.ops.monitoring import checks, figures


class Probes:
    """Middleware before all others."""

    def __init__(self, get_response):
        self.get_response = get_response
        self.answers = {"/healthz": healthz, "/readyz": readyz}
        if settings.METRICS_TOKEN:
            self.answers["/metrics"] = metrics

    def __call__(self, request):
        answer = self.answers.get(request.path_info)
        if answer is None:
            return self.get_response(request)
        if request.method not in ("GET", "HEAD"):
            return HttpResponse(
                "Only GET.\n", status=405, content_type="text/plain", headers={"Allow": "GET"}
            )
        response = answer(request)
        response["Cache-Control"] = "no-store"
        return response


def healthz(request) -> HttpResponse:
    """This process answers."""
    return HttpResponse("ok\n", content_type="text/plain")


def readyz(request) -> JsonResponse:
    """200 if this server can serve, 503 and the reasons otherwise."""
    found = checks.readiness()
    return JsonResponse(found, status=200 if found["ready"] else 503)


def metrics(request) -> HttpResponse:
    """The figures, for ``Authorization: Bearer <METRICS_TOKEN>``."""
    sent = request.headers.get("Authorization", "").removeprefix("Bearer ").encode()
    if not hmac.compare_digest(sent, settings.METRICS_TOKEN.encode()):
        answer = "Send METRICS_TOKEN as a bearer token.\n"
        return HttpResponse(
            answer, status=401, content_type="text/plain", headers={"WWW-Authenticate": "Bearer"}
        )
    return HttpResponse(figures.text(), content_type=CONTENT_TYPE_LATEST)
