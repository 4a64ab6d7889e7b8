"""Reads a sent image and serves a stored one."""

from __future__ import annotations

import mimetypes

from django.http import FileResponse, Http404
from django.utils.translation import gettext as _

from portal.camera import services
from portal.camera.models import CapturedImage
from portal.camera.refused import CaptureRefused
from workers.datakit.limits import human_bytes

SHOWN = {"image/png", "image/jpeg", "image/webp"}


def read(upload) -> bytes:
    """The content of an uploaded image. Raises CaptureRefused before it reads too large a one."""
    if upload.size > services.MOST_BYTES:
        raise CaptureRefused(
            _("The image has %(size)s: send at most %(most)s.")
            % {"size": human_bytes(upload.size), "most": human_bytes(services.MOST_BYTES)},
            "image",
        )
    return upload.read()


def serve(image: CapturedImage) -> FileResponse:
    """Raises Http404 if it is gone."""
    kind = mimetypes.guess_type(image.file.name)[0]
    if kind not in SHOWN:
        raise Http404
    try:
        response = FileResponse(image.file.open("rb"), content_type=kind)
    except FileNotFoundError as error:
        raise Http404 from error
    response["Cache-Control"] = "private, max-age=86400"
    return response
