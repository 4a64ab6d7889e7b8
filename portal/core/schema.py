"""Adds to the schema of every operation its possible errors, and deprecations."""

from __future__ import annotations

import re
from http import HTTPStatus

from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiParameter
from rest_framework.serializers import ListSerializer

from portal.core import calls
from portal.core.serializers import KnownFieldsOnly, ProblemSerializer

CONTENT_TYPE = "application/problem+json"
SAFE = ("GET", "HEAD", "OPTIONS")
MEANS = {
    304: "Nothing has changed since the answer that If-None-Match names.",
    400: "Something given cannot be; `errors` says what, by field.",
    401: "Nobody is signed in, or the token opens nothing.",
    403: "The role or the token does not allow this; `detail` names the scope that is missing.",
    404: "There is nothing here, or it belongs to another team.",
    406: "The answer is JSON; ask for nothing else.",
    409: "What is there does not allow this now, or the Idempotency-Key was used for something else.",
    410: "It was here and is gone.",
    411: "The length must be told.",
    412: "It has changed since the answer that If-Match names. Of uploads: another version of tus.",
    413: "It is larger than the server, or the team's quota, takes.",
    415: "This kind of content is not read here.",
    416: "The file has no such bytes.",
    423: "A connection is sending to it; wait.",
    429: "Too many calls; `Retry-After` says in how many seconds to go on.",
    460: "The checksum is another one.",
    502: "The board did not answer.",
    507: "The server has no room for it.",
}


IDEMPOTENCY_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "description": "Your name for this call, such as a UUID. Sent again with the same body within a day, it "
    "is not done again: the first answer comes again, with `Idempotency-Replayed: true`.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"},
}


ONLY_ONCE = (
    "Your name for this call, such as a UUID. Sent again within a day, it is not done again: the answer is "
    "409, for the first one held a secret, which is kept nowhere."
)


IF_NONE_MATCH = {
    "name": "If-None-Match",
    "in": "header",
    "description": "The ETag of the answer that you have: 304 when it still holds.",
    "schema": {"type": "string"},
}


RANGE = OpenApiParameter("Range", str, OpenApiParameter.HEADER, description="bytes=<first>-<last>")


IF_MATCH = {
    "name": "If-Match",
    "in": "header",
    "description": "The ETag of the answer that you saw: 412 when it has changed since.",
    "schema": {"type": "string"},
}


DIGITS = re.compile(r"\^\\d\{1,(\d+)\}\$")
LABEL = re.compile(r"`-?\d+` - (\w+)")


def name_numbers(result: dict, **_options) -> dict:
    """Postprocess the schema: name the values of numeric choices, for generators."""
    for component in result["components"]["schemas"].values():
        if component.get("enum") and component.get("type") == "integer":
            names = LABEL.findall(component.get("description", ""))
            component["x-enum-varnames"] = [name.upper() for name in names]
    return result


class ApiSchema(AutoSchema):
    """Adds the errors common to its kind of operation, and those that its view declares."""

    def is_deprecated(self) -> bool:
        method = getattr(self.view, getattr(self.view, "action", None) or "", None)
        return super().is_deprecated() or hasattr(method, "deprecation")

    def _get_parameters(self):
        found = super()._get_parameters()
        if self.method == "POST":
            is_secret = self.view.action in getattr(self.view, "secret_actions", ())
            found.append(IDEMPOTENCY_KEY | ({"description": ONLY_ONCE} if is_secret else {}))
        if self.method == "GET":
            found.append(IF_NONE_MATCH)
        if self._can_be_overwritten():
            found.append(IF_MATCH)
        return found

    def _resolve_path_parameters(self, variables):
        found = super()._resolve_path_parameters(variables)
        for parameter in found:
            digits = DIGITS.fullmatch(parameter["schema"].get("pattern", ""))
            if digits:
                largest = 10 ** int(digits[1]) - 1
                parameter["schema"] = {"type": "integer", "minimum": 0, "maximum": largest}
        return found

    def _is_list_view(self, serializer=None) -> bool:
        is_list = super()._is_list_view(serializer)
        return is_list and (self.method == "GET" or isinstance(serializer, ListSerializer))

    def get_filter_backends(self):
        """The filters of a list do not apply to actions on one row."""
        return [] if self.view.detail else super().get_filter_backends()

    def get_request_serializer(self):
        return None if calls.takes_nothing(self.view) else super().get_request_serializer()

    def _map_basic_serializer(self, serializer, direction):
        found = super()._map_basic_serializer(serializer, direction)
        if direction == "request" and isinstance(serializer, KnownFieldsOnly):
            found["additionalProperties"] = False
        return found

    def get_override_parameters(self):
        found, query = super().get_override_parameters(), calls.query_of(self.view)
        return [*found, query] if query and self.method == "GET" else found

    def _get_response_bodies(self, direction="response"):
        found = super()._get_response_bodies(direction)
        for status in sorted(self._refusals() - {int(code) for code in found}):
            found[str(status)] = self._refusal(status)
        return found

    def _can_be_overwritten(self) -> bool:
        is_change = self.method in ("PUT", "PATCH", "DELETE")
        return is_change and "get" in self.view.action_map and bool(self.view.parser_classes)

    def _refusals(self) -> set[int]:
        refusals = {403, 406, 429} | set(getattr(self.view, "refusals", ()))
        if self.get_auth() and {} not in self.get_auth():
            refusals.add(401)
        if "{" in self.path or self._get_paginator():
            refusals.add(404)
        if self.method not in SAFE:
            refusals |= {400, 409, 415}
        elif super()._get_parameters():
            refusals.add(400)
        if self.method == "GET":
            refusals.add(304)
        if self._can_be_overwritten():
            refusals.add(412)
        if ("Range", "header") in self._process_override_parameters():
            refusals.add(416)
        return refusals

    def _refusal(self, status: int) -> dict:
        words = MEANS.get(status) or HTTPStatus(status).phrase
        if status == 304:
            return {"description": words}
        problem = self.resolve_serializer(ProblemSerializer, "response").ref
        return {"description": words, "content": {CONTENT_TYPE: {"schema": problem}}}
