"""Compresses API responses to programs.

Requests that carry a browser's cookie are never compressed: an attacker whose page makes such requests could
guess a secret in the response from its length (BREACH). Requests with an ``Authorization`` header cannot be
forged like that. Responses with a secret of their own stay uncompressed anyway, see ``secret_actions``.
"""

from __future__ import annotations

from django.utils.cache import patch_vary_headers
from django.utils.text import compress_string

LEAST = 1000  # bytes; below that, compression does not pay
KINDS = ("application/json", "application/vnd.oai.openapi", "text/plain")


class Compression:
    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        response = self.get_response(request)
        if not request.path.startswith("/api/") or "Authorization" not in request.headers:
            return response
        if response.streaming or not response.get("Content-Type", "").startswith(KINDS):
            return response
        patch_vary_headers(response, ["Accept-Encoding"])
        if _may_be_compressed(response) and _is_wanted(request):
            response.content = compress_string(response.content)
            response["Content-Length"] = str(len(response.content))
            response["Content-Encoding"] = "gzip"
        return response


def _is_wanted(request) -> bool:
    """Whether the caller accepts gzip."""
    named = [one.replace(" ", "").lower() for one in request.headers.get("Accept-Encoding", "").split(",")]
    return any(one.split(";")[0] == "gzip" and not one.endswith(("q=0", "q=0.0")) for one in named)


def _may_be_compressed(response) -> bool:
    is_whole = response.status_code == 200 and "Content-Encoding" not in response
    return is_whole and len(response.content) >= LEAST and not getattr(response, "holds_secret", False)
