"""Whether a browser sent a request, and whether a page of another site caused it.

The headers used here cannot be set or removed by pages: browsers add them, programs do not.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from django.conf import settings

OWN_SITES = ("same-origin", "none")  # ``none``: typed into the address bar


def is_browser(request) -> bool:
    """Whether the request has a header that only browsers send."""
    return any(request.headers.get(name) for name in ("Sec-Fetch-Site", "Sec-Fetch-Mode", "Origin"))


def is_foreign(request) -> bool:
    """Whether a page of another site, a sandbox or a local file caused a browser to send this.

    ``Origin`` decides if present: browsers send it with anything that may change state. For old browsers, the
    referrer decides. A site in CSRF_TRUSTED_ORIGINS is not foreign.
    """
    origin = request.headers.get("Origin")
    if origin is None and request.headers.get("Referer"):
        parts = urlsplit(request.headers["Referer"])
        origin = f"{parts.scheme}://{parts.netloc}"
    if origin is not None:
        own = f"{request.scheme}://{request.get_host()}"
        return origin.lower() != own.lower() and not _is_trusted(origin)
    return request.headers.get("Sec-Fetch-Site", "none").lower() not in OWN_SITES


def _is_trusted(origin: str) -> bool:
    """Reads the setting as Django's CSRF protection does: whole origins, or ``https://*.example.org``."""
    parts = urlsplit(origin)
    for trusted in settings.CSRF_TRUSTED_ORIGINS:
        wanted = urlsplit(trusted)
        host, pattern = parts.netloc.lower(), wanted.netloc.lower()
        fits = host.endswith(pattern[1:]) if pattern.startswith("*.") else host == pattern
        if fits and parts.scheme == wanted.scheme:
            return True
    return False
