"""API errors as problem details (RFC 9457)."""

from __future__ import annotations

import json
import logging
import math
from http.client import responses

from django.core.exceptions import PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.http import Http404, HttpResponse, UnreadablePostError
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.views import set_rollback

from portal.core import echoes, refusals
from portal.core.bodies import UPLOADS
from portal.core.messages import shown
from portal.core.outages import outage_of
from portal.core.schema import CONTENT_TYPE
from workers.contract import InputError
from workers.contract.messages import msg

logger = logging.getLogger(__name__)
UNEXPECTED = msg("Unexpected error. The server's log has the details.")
TITLES = {400: "Not accepted", 401: "Not signed in", 403: "Not allowed", 404: "Not found"}


def problem(code: int, detail: str, fields: dict | None = None) -> Response:
    """An error response: ``title``, ``status``, ``detail`` and, for invalid fields, ``errors``.

    The portal's own scripts show the detail to their reader, see ``languages.wanted``; programs get English.
    """
    title = TITLES.get(code) or responses.get(code, "Error")
    said, detail = detail, echoes.shortened(shown(detail), echoes.LONGEST)
    body = {"type": "about:blank", "title": title, "status": code, "detail": detail}
    if fields:
        body["errors"] = fields
    answer = Response(body, status=code, content_type=CONTENT_TYPE)
    answer.said = said
    return answer


def problem_page(code: int, detail: str) -> HttpResponse:
    """The same outside the framework, for an unknown API path."""
    answer = problem(code, str(detail))
    return HttpResponse(json.dumps(answer.data), status=code, content_type=CONTENT_TYPE)


def handle_exception(error: Exception, context: dict) -> Response | None:
    """Turn exceptions of services into responses with a sentence. Anything unknown is a logged 500."""
    set_rollback()
    if isinstance(error, exceptions.ValidationError):
        fields = error.detail if isinstance(error.detail, dict) else {"": error.detail}
        fields = echoes.of_errors(fields, _sent(context.get("request")))
        return problem(400, _sentence(fields), fields)
    if isinstance(error, exceptions.UnsupportedMediaType):
        return problem(415, _other_type(context.get("request")))
    if isinstance(error, exceptions.APIException):
        answer = problem(error.status_code, str(error.detail))
        if getattr(error, "auth_header", None):
            answer["WWW-Authenticate"] = error.auth_header
        if getattr(error, "wait", None):
            answer["Retry-After"] = str(math.ceil(error.wait))
        return answer
    status = refusals.status_of(error)
    if status:
        return problem(status, str(error), refusals.fields_of(error))
    for kind, answer in ANSWERS:
        if isinstance(error, kind):
            return answer(error)
    outage = outage_of(error)
    if outage:
        answer = problem(outage.status, outage.sentence)
        answer["Retry-After"] = str(outage.seconds)
        return answer
    logger.error("unexpected error in the API", exc_info=error)
    return problem(500, UNEXPECTED)


# Exceptions of neither the framework nor an app; the first match wins.
ANSWERS = (
    (Http404, lambda error: problem(404, msg("There is nothing here with this address."))),
    (InputError, lambda error: problem(400, str(error))),
    (PermissionDenied, lambda error: problem(403, str(error) or refusals.NOT_ALLOWED)),
    (
        UnreadablePostError,
        lambda error: problem(400, msg("The request was incomplete: send it again.")),
    ),
    (RequestDataTooBig, lambda error: problem(413, msg("The request is larger than the server takes."))),
    (
        SuspiciousOperation,
        lambda error: problem(400, msg("The request could not be understood: too many fields or files.")),
    ),
)


def _other_type(request) -> str:
    """What to send instead of a body of this type."""
    accepted = [parser.media_type for parser in getattr(request, "parsers", ())]
    if "multipart/form-data" in accepted:
        types = msg("{first} or {last}", first=", ".join(accepted[:-1]), last=accepted[-1])
        return msg("Send {types}: this address does not accept a body of another type.", types=types)
    return msg(
        "Send application/json. Send a file to {uploads} first, and name the upload here.", uploads=UPLOADS
    )


def _sent(request) -> list[str]:
    """The long texts in the request, as far as it was read."""
    if request is None:
        return []
    query = [text for pair in request.query_params.lists() for text in (pair[0], *pair[1])]
    data = getattr(request, "_full_data", None)  # ``data`` would read a body that was refused unread
    lists = dict(data.lists()) if hasattr(data, "lists") else data
    return echoes.long_texts([query, lists])


def _sentence(fields: dict, of: str = "") -> str:
    """The first sentence of each field; those of an object are ``object.field``."""
    parts = []
    for name, texts in fields.items():
        path = ".".join(str(one) for one in (of, name) if one != "")
        first = texts[0] if isinstance(texts, list) and texts else texts
        if isinstance(first, dict):
            parts.append(_sentence(first, path))
        else:
            parts.append(f"{path}: {first}" if path else str(first))
    return " ".join(parts)
