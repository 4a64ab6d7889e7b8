"""Live fragments of pages: they poll until what they show is final.

A fragment carries an ETag of its content and polls with it. The server responds 304 while nothing changed, so
that nothing on the page is replaced under the reader's hands. The last response has no polling attributes.

A fragment may depend on its URL and on the reader's team, role and language only: one rendering then serves
everyone who views the same page within a second.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property

from django.conf import settings
from django.core.cache import cache
from django.http import HttpResponse
from django.middleware.csrf import get_token
from django.template.loader import render_to_string
from django.utils.safestring import SafeString, mark_safe

from portal.core import conditional

_TOKEN = re.compile(r'(?<=name="csrfmiddlewaretoken" value=")[^"]*')
# Parts that differ between renderings without a change of meaning: relative times, which page.js updates, and
# the masked token.
_VARIES = re.compile(r'(?<=class="ago">)[^<]*|(?<=data-ticks>)[^<]*|' + _TOKEN.pattern)
_KNOWN = re.compile(r'"(\w*)\.(\w*)"')


def digest(text: str) -> str:
    text = _VARIES.sub("", text)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


@dataclass
class Live:
    """One live fragment: ``body`` is rendered HTML, ``active`` whether it still changes by itself.

    ``state`` names the stage that is displayed. When it changes, the response also contains ``others``,
    rendered ``hx-swap-oob`` parts of the page that only change between stages. With ``reload``, the whole
    page is reloaded after the last response.
    """

    name: str
    url: str
    body: SafeString
    active: bool
    state: str = ""
    others: list = field(default_factory=list)  # render functions, called only if needed
    reload: bool = False

    @cached_property
    def tag(self) -> str:
        return f'W/"{digest(self.body)}.{self.state}"'

    @property
    def headers(self) -> str:
        """The request headers of a poll."""
        return json.dumps({"If-None-Match": self.tag})

    def __str__(self) -> SafeString:
        return render_to_string("core/_live.html", {"live": self})

    __html__ = __str__

    def response(self, request) -> HttpResponse:
        """The response to a poll: 304 if the page is up to date."""
        return self._respond(request, str(self), self.others)

    def _respond(self, request, html: str, others: list) -> HttpResponse:
        if self.active and conditional.is_known(request, self.tag):
            return conditional.not_modified(self.tag)
        parts = [html]
        if _state_known(request) != self.state:
            parts += [render() for render in others]
        response = HttpResponse(mark_safe("\n".join(parts)))  # noqa: S308 - every part is a rendered template
        if self.reload and not self.active:
            response["HX-Refresh"] = "true"
        return conditional.mark(response, self.tag)


def _state_known(request) -> str | None:
    """The stage that the page displays; None if it does not say."""
    known = _KNOWN.search(request.headers.get("If-None-Match", ""))
    return known[2] if known else None


def respond(request, build: Callable[[], Live]) -> HttpResponse:
    """Answer a poll with the fragment that ``build`` renders, or with one rendered a moment ago."""
    who = (request.team.pk, request.membership.role, request.user.is_superuser, request.LANGUAGE_CODE)
    key = "live:" + digest(f"{request.get_full_path()} {who}")
    found = cache.get(key)
    if found is not None:
        part, html = found
        if conditional.is_known(request, part.tag) or _state_known(request) == part.state:
            html = _TOKEN.sub(lambda _: get_token(request), html)
            return part._respond(request, html, [])
    part = build()
    response = part.response(request)
    shared = Live(part.name, part.url, part.body, part.active, part.state, reload=part.reload)
    cache.set(key, (shared, _TOKEN.sub("", str(part))), settings.LIVE_SHARED_SECONDS)
    return response
