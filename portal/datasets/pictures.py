"""Serves images of a version, for pages and the API."""

from __future__ import annotations

from django.http import Http404, HttpResponse
from django.utils.cache import get_conditional_response

from portal.datasets import stored_images
from portal.datasets.models import DatasetVersion
from workers.datakit.errors import StagingError

YEAR = 365 * 24 * 3600


def serve(request, version: DatasetVersion, number: int, *, small: bool = False) -> HttpResponse:
    """Versions never change: browsers may cache, and never request an image twice."""
    try:
        found = stored_images.find(version, number, small=small)
        if found is None:
            raise Http404
        headers = {"ETag": f'"{found.etag}"', "Cache-Control": f"private, max-age={YEAR}, immutable"}
        known = get_conditional_response(request, etag=headers["ETag"])
        if known is not None:
            response = known
        else:
            content, content_type = found.read()
            response = HttpResponse(content, content_type)
    except (FileNotFoundError, StagingError) as error:
        raise Http404 from error
    for name, value in headers.items():
        response[name] = value
    return response
