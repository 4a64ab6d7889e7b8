"""Secrets that a page shows once: the form redirects, and the next page takes the secret."""

from __future__ import annotations

from portal.core import encryption

KEY = "shown-once"


def keep(request, page: str, **fields) -> None:
    """Store texts, encrypted, in the session until ``page`` takes them."""
    request.session[KEY] = {"page": page, "sealed": encryption.seal(fields)}


def take(request, page: str) -> dict | None:
    """The texts stored for ``page``; None if there are none or they were taken."""
    kept = request.session.get(KEY)
    if not kept or kept["page"] != page:
        return None
    del request.session[KEY]
    try:
        return encryption.unseal(kept["sealed"])
    except encryption.WrongKey:
        return None
