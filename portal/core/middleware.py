"""Middleware of every request: content security policy, language, outages."""

from __future__ import annotations

from django.utils import translation
from django.utils.cache import patch_vary_headers

from portal.core import languages
from portal.core.outage_pages import outage_page
from portal.core.outages import outage_of

# Nothing external, nothing inline. Bootstrap's CSS draws its arrows and ticks as data: images.
POLICY = "; ".join(
    [
        "default-src 'self'",
        "img-src 'self' data:",
        "object-src 'none'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    ]
)


class ContentSecurityPolicy:
    """Sets the policy on every response that has none of its own."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        response = self.get_response(request)
        response.headers.setdefault("Content-Security-Policy", POLICY)
        return response


class Language:
    """Responds in the reader's language, see ``languages.wanted``; ``request.LANGUAGE_CODE`` names it."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        request.LANGUAGE_CODE = languages.wanted(request)
        with translation.override(request.LANGUAGE_CODE):
            response = self.get_response(request)
        response.headers.setdefault("Content-Language", request.LANGUAGE_CODE)
        patch_vary_headers(response, ["Accept-Language"])
        return response


class Outages:
    """Responds when the database is busy or the disk full."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        return self.get_response(request)

    def process_exception(self, request, exception):
        outage = outage_of(exception)
        return outage_page(request, outage) if outage else None
