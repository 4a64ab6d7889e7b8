"""Secrets that a page shows once: a form answers with a redirect, and the next page takes the secret."""

from __future__ import annotations

from portal.core import encryption

KEY = "shown-once"


def keep(request, page: str, **fields) -> None:
    """Keep texts, sealed, in the person's session until ``page`` takes them."""
    request.session[KEY] = {"page": page, "sealed": encryption.seal(fields)}


def take(request, page: str) -> dict | None:
    """What was kept for ``page``; None when there is nothing, or it was taken already."""
    kept = request.session.get(KEY)
    if not kept or kept["page"] != page:
        return None
    del request.session[KEY]
    try:
        return encryption.unseal(kept["sealed"])
    except encryption.WrongKey:
        return None
