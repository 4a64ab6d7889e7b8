"""``Idempotency-Key``: a request repeated because its response was lost is not executed again.

Follows draft-ietf-httpapi-idempotency-key-header. The client chooses the key; it is valid within its team for
a day. The same key with the same request returns the first response again; with a different request, or while
the first is in progress, it is refused. Failed requests are forgotten: they did nothing, and may be corrected
and repeated under the same key.

A response with a secret is never stored: a repetition of such a request is refused, and not executed again
either.

Only a keyed hash of the body is stored, which reveals no password in it. A form counts with its fields and,
for each file, its name and content; JSON counts by its values, not by its spelling; an upload counts by the
headers that announce it.
"""

from __future__ import annotations

import functools
import hashlib
import json
import re
from datetime import timedelta

from django.core.files.uploadedfile import UploadedFile
from django.http import HttpResponse
from django.utils import timezone
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext as _
from rest_framework.exceptions import APIException, ValidationError
from rest_framework.renderers import JSONRenderer

from portal.core.messages import shown
from portal.core.models import IdempotentCall
from workers.contract.messages import msg

KEPT_HEADERS = ("Location", "Tokens-Working")
HEADER, REPLAYED = "Idempotency-Key", "Idempotency-Replayed"
KEPT = timedelta(hours=24)
LOST_AFTER = timedelta(minutes=10)  # no request takes that long: its process must have died
BLOCK = 1024 * 1024
NO_TEAM = 0  # for requests by people without a team (yet)
_KEY = re.compile(r"[\x21-\x7e]{1,255}")


class Conflict(APIException):
    status_code = 409


def once(handler, holds_secret: bool = False):
    """Wrap an endpoint's handler so that it executes the request of a key only once.

    ``holds_secret``: the response holds a secret and is not stored.
    """

    @functools.wraps(handler)
    def guarded(request, *args, **kwargs):
        key = request.headers.get(HEADER)
        if key is None:
            return handler(request, *args, **kwargs)
        if not _KEY.fullmatch(key):
            raise ValidationError({HEADER: [_("Send 1 to 255 visible ASCII characters, such as a UUID.")]})
        call, new = IdempotentCall.objects.get_or_create(
            team=request.team.pk if request.team else NO_TEAM,
            key=key,
            defaults={"fingerprint": fingerprint(request)},
        )
        if not new:
            return _again(call, request, holds_secret)
        return _first(call, holds_secret, handler, request, *args, **kwargs)

    return guarded


def _first(call: IdempotentCall, holds_secret: bool, handler, request, *args, **kwargs):
    try:
        response = handler(request, *args, **kwargs)
    except BaseException:
        call.delete()
        raise
    if response.status_code >= 400:
        call.delete()
        return response
    call.status = response.status_code
    if response.data is not None and not holds_secret:
        call.body = JSONRenderer().render(response.data).decode()
    call.headers = {name: response[name] for name in KEPT_HEADERS if name in response}
    call.save(update_fields=["status", "body", "headers"])
    return response


def _again(call: IdempotentCall, request, holds_secret: bool) -> HttpResponse:
    if call.fingerprint != fingerprint(request):
        raise Conflict(
            _("This Idempotency-Key was used for another call: send a new key with what is not the same.")
        )
    if not call.status:
        if call.created_at < timezone.now() - LOST_AFTER:
            raise Conflict(
                _(
                    "The server stopped while it worked on this call: look whether it was done, and send "
                    "it with a new Idempotency-Key if not."
                )
            )
        raise Conflict(_("This call is in progress: ask again in a moment."))
    if holds_secret:
        sentence = msg(
            "This call was done, and its answer held a secret, which is kept nowhere: send it with a new "
            "Idempotency-Key to do it again."
        )
        raise Conflict(shown(sentence))
    headers = {**(call.headers or {}), REPLAYED: "true"}
    return HttpResponse(call.body, status=call.status, content_type="application/json", headers=headers)


def fingerprint(request) -> str:
    """A hash of method, path and body, keyed by the server's secret."""
    digest = salted_hmac("idempotency", f"{request.method} {request.get_full_path()}\n", algorithm="sha256")
    data = request.data if request.parsers else _announced(request)
    if hasattr(data, "lists"):
        for name, values in sorted(data.lists()):
            for value in values:
                digest.update(json.dumps([name, _words(value)]).encode())
    else:
        digest.update(json.dumps(data, sort_keys=True).encode())
    return digest.hexdigest()


def _announced(request) -> dict[str, str]:
    return {name: request.headers.get(name, "") for name in ("Upload-Length", "Upload-Metadata")}


def _words(value) -> list | str:
    """A form's value; for a file, its name and the hash of its content."""
    if not isinstance(value, UploadedFile):
        return str(value)
    content = hashlib.sha256()
    value.seek(0)
    for block in value.chunks(BLOCK):
        content.update(block)
    value.seek(0)
    return [value.name, content.hexdigest()]


def sweep() -> None:
    """Delete stored responses older than a day."""
    IdempotentCall.objects.filter(created_at__lt=timezone.now() - KEPT).delete()
