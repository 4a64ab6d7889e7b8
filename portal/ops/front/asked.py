"""A request as the front sees it, and as WSGI needs it."""

from __future__ import annotations

import io
import ipaddress
import re
import sys
from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import unquote_to_bytes

from django.conf import settings
from django.core.handlers.wsgi import WSGIRequest

from portal.core import request_ids
from portal.core.addresses import client_address
from portal.ops.front.refusals import Refusal
from workers.contract.messages import msg

NOT_UNDERSTOOD = msg("The address or a header of this request is invalid.")
# Repeated headers are joined with commas; these must not repeat.
_ONCE = {
    "HTTP_HOST": b"host",
    "CONTENT_LENGTH": b"content-length",
    "CONTENT_TYPE": b"content-type",
    "HTTP_AUTHORIZATION": b"authorization",
}
# Python accepts "hex" and "rot13" as encodings, and Django would crash on them before anyone could catch it.
_CHARSET = re.compile(r"""charset\s*=\s*["']?([^"';\s]*)""", re.IGNORECASE)
_UTF_8 = {"utf-8", "utf8", "us-ascii", "ascii"}
_PLAIN = {"CONTENT_LENGTH", "CONTENT_TYPE"}


def comes_from_proxy(client: tuple[str, int] | None) -> bool:
    """Whether the other end of the connection may say on whose behalf it asks."""
    if not settings.PROXY_NETWORKS:
        return True
    try:
        address = ipaddress.ip_address((client or ("", 0))[0])
    except ValueError:
        return False
    address = getattr(address, "ipv4_mapped", None) or address
    return any(address in network for network in settings.PROXY_NETWORKS)


@dataclass
class Asked:
    """A request, built from an ASGI scope."""

    scope: dict[str, Any]

    @property
    def method(self) -> str:
        return self.scope["method"]

    @property
    def raw_path(self) -> str:
        return self.scope["raw_path"].decode("ascii")

    @property
    def is_api(self) -> bool:
        return self.scope["path"].startswith("/api/")

    @cached_property
    def headers(self) -> dict[str, str]:
        """The headers by their WSGI names."""
        found: dict[str, str] = {}
        is_from_proxy = comes_from_proxy(self.scope["client"])
        for name, value in self.scope["headers"]:
            if b"_" in name:
                continue  # in WSGI it would pass for the header with a hyphen, which a proxy may check
            if name.startswith(b"x-forwarded-") and not is_from_proxy:
                continue
            key = name.decode("latin-1").upper().replace("-", "_")
            key = key if key in _PLAIN else f"HTTP_{key}"
            text = value.decode("latin-1")
            if key not in found:
                found[key] = text
            elif key not in _ONCE:
                found[key] += (";" if key == "HTTP_COOKIE" else ",") + text
        return found

    @property
    def is_chunked(self) -> bool:
        return "HTTP_TRANSFER_ENCODING" in self.headers

    @property
    def length(self) -> int:
        """The declared body length; 0 if there is no body or it is chunked."""
        return 0 if self.is_chunked else int(self.headers.get("CONTENT_LENGTH", 0))

    @cached_property
    def environ(self) -> dict[str, Any]:
        """The WSGI environ (PEP 3333), without a body."""
        server, client = self.scope["server"] or ("", 0), self.scope["client"] or ("", 0)
        return {
            "REQUEST_METHOD": self.method,
            "SCRIPT_NAME": "",
            "PATH_INFO": unquote_to_bytes(self.raw_path).decode("latin-1"),
            "RAW_URI": self.raw_path,
            "QUERY_STRING": self.scope["query_string"].decode("latin-1"),
            "SERVER_PROTOCOL": f"HTTP/{self.scope['http_version']}",
            "SERVER_NAME": server[0],
            "SERVER_PORT": str(server[1]),
            "REMOTE_ADDR": client[0],
            "REMOTE_PORT": str(client[1]),
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": self.scope["scheme"],
            "wsgi.errors": sys.stderr,
            "wsgi.multithread": True,
            "wsgi.multiprocess": True,
            "wsgi.run_once": False,
            **self.headers,
            "HTTP_X_REQUEST_ID": self.request_id,
        }

    @cached_property
    def request_id(self) -> str:
        return request_ids.of(self.headers.get("HTTP_X_REQUEST_ID"))

    def request(self) -> WSGIRequest:
        """For everything that Django can tell from a request without its body."""
        environ = {**self.environ, "CONTENT_LENGTH": "", "CONTENT_TYPE": ""}
        return WSGIRequest(environ | {"wsgi.input": io.BytesIO()})

    @cached_property
    def address(self) -> str:
        return client_address(self.request()) or ""

    def check(self) -> None:
        """Raise Refusal for characters that no URL or header may contain."""
        parts = (unquote_to_bytes(self.raw_path), unquote_to_bytes(self.scope["query_string"]))
        if any(b"\0" in part for part in parts):
            raise Refusal(400, NOT_UNDERSTOOD)
        names = Counter(name for name, _ in self.scope["headers"])
        if any(names[name] > 1 for name in _ONCE.values()):
            raise Refusal(400, NOT_UNDERSTOOD)
        charset = _CHARSET.search(self.headers.get("CONTENT_TYPE", ""))
        if charset and charset[1].lower() not in _UTF_8:
            raise Refusal(415, msg("Send the request in UTF-8: other encodings are not accepted."))
        length = self.headers.get("CONTENT_LENGTH", "0")
        if not (length.isascii() and length.isdigit() and len(length) < 19):
            raise Refusal(400, NOT_UNDERSTOOD)
