"""Images in a format that every board reads."""

from __future__ import annotations

import io
import mimetypes
from pathlib import Path

from django.http import FileResponse, Http404
from PIL import Image

SHOWN = {"image/png", "image/jpeg", "image/webp", "image/bmp"}
# The formats of imread in the vendor's OpenCV build: no WebP.
READABLE = (b"\x89PNG", b"\xff\xd8\xff", b"BM")


def as_png(picture: bytes | Path) -> bytes:
    """The image as PNG, pixel for pixel: a board's library reads no WebP and decodes JPEG differently."""
    data = picture if isinstance(picture, bytes) else picture.read_bytes()
    if data.startswith(b"\x89PNG"):
        return data
    with Image.open(io.BytesIO(data)) as image:
        out = io.BytesIO()
        image.convert("L" if image.mode == "L" else "RGB").save(out, "PNG")
    return out.getvalue()


def readable(name: str, picture: bytes | Path) -> tuple[str, bytes | Path]:
    """Name and content as a board can read them: anything but PNG, JPEG or BMP becomes PNG.

    What cannot be decoded here stays unchanged: the board reports it for that image.
    """
    if _begins(picture).startswith(READABLE):
        return name, picture
    try:
        return f"{name}.png", as_png(picture)
    except (OSError, ValueError, SyntaxError):
        return name, picture


def serve(image) -> FileResponse:
    """Serve an image of an inference, as the board got it. Raises Http404 if there is none."""
    kind = mimetypes.guess_type(image.file.name)[0]
    if kind not in SHOWN:
        raise Http404
    try:
        response = FileResponse(image.file.open("rb"), content_type=kind)
    except FileNotFoundError as error:
        raise Http404 from error
    response["Cache-Control"] = "private, max-age=86400"
    return response


def _begins(picture: bytes | Path) -> bytes:
    if isinstance(picture, bytes):
        return picture[:4]
    with picture.open("rb") as stream:
        return stream.read(4)
