"""The response to one request: written once, in blocks, as fast as the client reads."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable

from django.conf import settings
from django.template.loader import render_to_string
from django.utils import translation

from portal.core.outages import outage_of
from portal.core.problems import problem_page
from portal.core.request_ids import HEADER
from portal.ops.front import accesslog, limits
from portal.ops.front.asked import Asked
from portal.ops.front.refusals import Gone, Refusal
from workers.contract.messages import msg

Send = Callable[[dict], Awaitable[None]]
# Hop-by-hop headers (RFC 9110, section 7.6.1); the server sets them.
HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "upgrade", "te", "trailer"}

CLIENT_GONE = 499  # in the log only


class Exchange:
    """A request and its response, with the data for the access log."""

    def __init__(self, asked: Asked, send: Send):
        self.asked, self._send = asked, send
        self.status, self.size = 0, 0
        self.must_close = False  # a body is left unread
        self._began = time.monotonic()

    async def start(self, status: int, headers: list[tuple[str, str]]) -> None:
        encoded = [
            (name.lower().encode("latin-1"), value.strip().encode("latin-1"))
            for name, value in headers
            if name.lower() not in HOP_BY_HOP
        ]
        if self.must_close:
            encoded.append((b"connection", b"close"))
        self.status = status
        await self._send({"type": "http.response.start", "status": status, "headers": encoded})

    async def write(self, block: bytes) -> None:
        """Returns when the client has room for more. Raises Gone."""
        for start in range(0, len(block), limits.ANSWER_BLOCK):
            if self.is_gone:
                raise Gone
            part = block[start : start + limits.ANSWER_BLOCK]
            await self._send({"type": "http.response.body", "body": part, "more_body": True})
        self.size += len(block)

    async def end(self) -> None:
        await self._send({"type": "http.response.body", "body": b"", "more_body": False})

    async def whole(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
        if body and not any(name.lower() == "content-length" for name, _ in headers):
            headers = [*headers, ("Content-Length", str(len(body)))]
        await self.start(status, headers)
        await self.write(body)
        await self.end()

    async def refuse(self, refusal: Refusal) -> None:
        """Respond with a sentence: problem details for the API, a plain page for people."""
        self.must_close = True
        kind, body = _words(self.asked, refusal)
        headers = {"Content-Type": kind, "Cache-Control": "no-store", HEADER: self.asked.request_id}
        await self.whole(refusal.status, [*headers.items(), *refusal.headers.items()], body)

    @property
    def is_gone(self) -> bool:
        """Whether the client has disconnected."""
        return self.asked.scope["slipway.connection"].transport.is_closing()

    async def give_up(self, error: Exception) -> None:
        """Handle an error: a response if none began, else an end that no client takes for a complete one."""
        if self.status:
            self.asked.scope["slipway.connection"].transport.abort()
        elif outage := outage_of(error):
            await self.refuse(Refusal(outage.status, outage.sentence, {"Retry-After": str(outage.seconds)}))
        else:
            await self.refuse(Refusal(500, msg("Unexpected error. The server's log has the details.")))

    def leave(self) -> None:
        """The client has disconnected."""
        self.status = self.status or CLIENT_GONE

    def log(self) -> None:
        spent = time.monotonic() - self._began
        accesslog.write(self.asked, self.status, self.size, spent)


def _words(asked: Asked, refusal: Refusal) -> tuple[str, bytes]:
    with translation.override(_language(asked)):
        if asked.is_api:
            answer = problem_page(refusal.status, refusal.sentence)
            return answer["Content-Type"], answer.content
        page = render_to_string("core/refused.html", {"sentence": refusal.sentence})
    return "text/html; charset=utf-8", page.encode()


def _language(asked: Asked) -> str:
    """The reader's language, as far as the request itself tells; programs get English."""
    request = asked.request()
    if asked.is_api and settings.SESSION_COOKIE_NAME not in request.COOKIES:
        return settings.LANGUAGE_CODE
    return translation.get_language_from_request(request)
