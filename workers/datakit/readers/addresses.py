"""Image paths as annotation tools write them: web URLs, bucket URLs, paths on their own server."""

from __future__ import annotations

from urllib.parse import parse_qs, unquote, urlsplit

from workers.datakit import names

_MARKS = ("://", "/data/", "data/")
MAX_ADDRESS = 4096


def path_of(written: str) -> str:
    """Return the path that a URL leads to; anything else unchanged.

    Label Studio writes ``/data/upload/1/a.jpg`` and ``/data/local-files/?d=folder/a.jpg``, clouds write
    ``s3://bucket/a.jpg``, web servers ``https://host/a.jpg?token=x``.
    """
    written = written.strip()
    if len(written) > MAX_ADDRESS or ("://" not in written and not written.startswith(_MARKS)):
        return written
    try:
        parts = urlsplit(written)
        local = parse_qs(parts.query).get("d") if "d=" in parts.query else None
    except ValueError:
        return written
    return unquote(local[0] if local else parts.path)


def names_image(written: object) -> bool:
    """Whether a value is a path or URL of an image."""
    return isinstance(written, str) and len(written) <= MAX_ADDRESS and names.is_image(path_of(written))
