"""Errors of the API as problem details (RFC 9457)."""

from __future__ import annotations

import logging
import math

from django.core.exceptions import PermissionDenied
from django.http import Http404
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.views import set_rollback

from portal.core.permissions import InTeam
from portal.jobs.models import IllegalTransition
from portal.runs.plan import PlanError
from workers.contract import InputError

logger = logging.getLogger(__name__)


def problem(code: int, detail: str, fields: dict | None = None) -> Response:
    """An error answer: ``title``, ``status``, ``detail`` and, for wrong fields, ``errors``."""
    titles = {400: "Not accepted", 401: "Not signed in", 403: "Not allowed", 404: "Not found"}
    body = {"type": "about:blank", "title": titles.get(code, "Error"), "status": code, "detail": detail}
    if fields:
        body["errors"] = fields
    return Response(body, status=code, content_type="application/problem+json")


def handle_exception(error: Exception, context: dict) -> Response | None:
    """Turn what services raise into answers with a sentence; anything unknown is a 500 that is logged."""
    set_rollback()
    if isinstance(error, Http404):
        return problem(404, "There is nothing here with this address.")
    if isinstance(error, PlanError):
        return problem(400, str(error), {name: [text] for name, text in error.fields.items()})
    if isinstance(error, InputError):
        return problem(400, str(error))
    if isinstance(error, IllegalTransition):
        return problem(409, str(error))
    if isinstance(error, PermissionDenied):
        return problem(403, str(error) or InTeam.message)
    if isinstance(error, exceptions.ValidationError):
        fields = error.detail if isinstance(error.detail, dict) else {"": error.detail}
        return problem(400, _sentence(fields), fields)
    if isinstance(error, exceptions.APIException):
        answer = problem(error.status_code, str(error.detail))
        if getattr(error, "auth_header", None):
            answer["WWW-Authenticate"] = error.auth_header
        if getattr(error, "wait", None):
            answer["Retry-After"] = str(math.ceil(error.wait))
        return answer
    logger.error("unexpected error in the API", exc_info=error)
    return problem(500, "Unexpected error. The server's log has the details.")


def _sentence(fields: dict) -> str:
    parts = []
    for name, texts in fields.items():
        first = texts[0] if isinstance(texts, list) and texts else texts
        parts.append(f"{name}: {first}" if name else str(first))
    return " ".join(parts)
