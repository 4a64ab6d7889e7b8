"""API URLs work with and without a trailing slash.

A redirect would not do: most clients turn a POST into a GET when they follow one.
"""

from __future__ import annotations

from django.urls import Resolver404, resolve


def completed(path: str) -> str:
    """The path with its slash, if the URL patterns need one."""
    if not path.startswith("/api/") or path.endswith("/") or not _leads_on(path + "/") or _leads_on(path):
        return path
    return path + "/"


def _leads_on(path: str) -> bool:
    try:
        resolve(path)
    except Resolver404:
        return False
    return True


class Slashes:
    """Completes the path of each request."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        if completed(request.path_info) != request.path_info:
            request.path_info += "/"
            request.path += "/"
        return self.get_response(request)
