"""Which addresses take a body larger than a form: the front asks before it reads one."""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.urls import Resolver404, resolve

from portal.core.slashes import completed

FORM_BYTES = 1024 * 1024  # of an archive's form, beside the archive


def an_archive() -> int:
    """What a form with an uploaded archive may have."""
    return settings.UPLOAD_MAX_BYTES + FORM_BYTES


def many_images() -> int:
    """What a form with images for a device may have."""
    return min(settings.UPLOAD_MAX_BYTES, 1024 * 1024 * 1024) + FORM_BYTES


def takes(most: Callable[[], int]):
    """Mark a view, or a method of a view set, as one that takes bodies of up to ``most()`` bytes."""

    def mark(view):
        view.most_bytes = most
        return view

    return mark


def most_bytes(path: str, method: str) -> int | None:
    """How large a body the view of this address takes; None when it takes no large one."""
    try:
        view = resolve(completed(path)).func
    except Resolver404:
        return None
    found = getattr(view, "most_bytes", None)
    if found is None and (cls := getattr(view, "cls", None)):
        action = getattr(view, "actions", {}).get(method.lower(), "")
        found = getattr(getattr(cls, action, cls), "most_bytes", None) or getattr(cls, "most_bytes", None)
    return found() if found else None
