"""Which URLs accept bodies larger than a form. The front asks before it reads a body."""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.urls import Resolver404, resolve

from portal.core.slashes import completed

API = "/api/v1/"
UPLOADS = "/api/v1/uploads/"  # where files of any size are sent, in pieces
FORM_BYTES = 1024 * 1024  # for the form fields sent with an archive


def an_archive() -> int:
    """The limit for a form with an uploaded archive."""
    return settings.UPLOAD_MAX_BYTES + FORM_BYTES


def many_images() -> int:
    """The limit for a form with images for a device."""
    return min(settings.UPLOAD_MAX_BYTES, 1024 * 1024 * 1024) + FORM_BYTES


def takes(most: Callable[[], int]):
    """Let a view, or a method of a view set, accept bodies of up to ``most()`` bytes."""

    def mark(view):
        view.most_bytes = most
        return view

    return mark


def most_bytes(path: str, method: str) -> int | None:
    """The largest body that the view of this path accepts; None if it accepts no large body."""
    try:
        view = resolve(completed(path)).func
    except Resolver404:
        return None
    found = getattr(view, "most_bytes", None)
    if found is None and (cls := getattr(view, "cls", None)):
        action = getattr(view, "actions", {}).get(method.lower(), "")
        found = getattr(getattr(cls, action, cls), "most_bytes", None) or getattr(cls, "most_bytes", None)
    return found() if found else None
