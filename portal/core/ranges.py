"""Serves stored files whole or in ranges (RFC 9110, section 14), from a local folder or S3.

A single range is honoured; a request for several gets the whole file, as the standard allows.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from itertools import chain

from django.http import FileResponse, Http404, HttpResponse, StreamingHttpResponse
from django.utils.http import content_disposition_header, parse_etags, quote_etag
from django.utils.translation import gettext as _

from portal.core.files import local_path, read_ranges
from portal.core.problems import problem_page

BLOCK = 256 * 1024
_RANGE = re.compile(r"bytes=\s*(\d{0,18})-(\d{0,18})\s*")


class Unsatisfiable(Exception):
    """The requested range is outside the file."""


def serve(
    request, file, *, size: int, sha256: str, name: str, content_type: str, attachment: bool = True
) -> HttpResponse:
    """Serve a stored file (a ``FieldFile``): 200, 206 for a range, 304 or 416.

    ``size`` and ``sha256`` are those of the whole file; the hash is its strong ETag.
    """
    etag = quote_etag(sha256)
    headers = {
        "ETag": etag,
        "Accept-Ranges": "bytes",
        "Cache-Control": "private, max-age=86400",
        "Content-Disposition": content_disposition_header(attachment, name),
    }
    if _known(request, etag):
        return HttpResponse(status=304, headers=headers)
    try:
        part = _part(request, etag, size)
    except Unsatisfiable:
        return _no_such_bytes(size)
    if part is None:
        return _whole(file, size, content_type, headers, attachment, name)
    first, last = part
    headers |= {"Content-Range": f"bytes {first}-{last}/{size}", "Content-Length": str(last - first + 1)}
    content = blocks(file, first, last - first + 1)
    return StreamingHttpResponse(content, status=206, content_type=content_type, headers=headers)


def serve_made(
    request,
    make: Callable[[], Iterator[bytes]],
    measure: Callable[[], int],
    *,
    tag: str,
    name: str,
    content_type: str,
) -> HttpResponse:
    """Serve a file generated while it is sent. Equal ``tag`` means equal bytes.

    Its size is only measured for a range; the part before the range is generated but not sent.
    """
    etag = quote_etag(tag)
    headers = {
        "ETag": etag,
        "Accept-Ranges": "bytes",
        "Cache-Control": "private, no-cache",
        "Content-Disposition": content_disposition_header(True, name),
    }
    if _known(request, etag):
        return HttpResponse(status=304, headers=headers)
    part = None
    if "Range" in request.headers:
        size = measure()
        try:
            part = _part(request, etag, size)
        except Unsatisfiable:
            return _no_such_bytes(size)
    if part is None:
        return StreamingHttpResponse(make(), content_type=content_type, headers=headers)
    first, last = part
    headers |= {"Content-Range": f"bytes {first}-{last}/{size}", "Content-Length": str(last - first + 1)}
    content = cut(make(), first, last + 1)
    return StreamingHttpResponse(content, status=206, content_type=content_type, headers=headers)


def cut(pieces: Iterator[bytes], start: int, end: int) -> Iterator[bytes]:
    """The bytes from ``start`` to before ``end`` of the concatenated pieces."""
    place = 0
    for piece in pieces:
        found = piece[max(0, start - place) : max(0, end - place)]
        place += len(piece)
        if found:
            yield found
        if place >= end:
            break
    close = getattr(pieces, "close", None)
    if close:
        close()


def _no_such_bytes(size: int) -> HttpResponse:
    answer = problem_page(416, _("This file has %(size)d bytes: ask for some of them.") % {"size": size})
    answer["Content-Range"], answer["Accept-Ranges"] = f"bytes */{size}", "bytes"
    return answer


def _known(request, etag: str) -> bool:
    known = parse_etags(request.headers.get("If-None-Match", ""))
    return "*" in known or etag in [one.removeprefix("W/") for one in known]


def _part(request, etag: str, size: int) -> tuple[int, int] | None:
    """First and last byte of the requested range; None for the whole file. Raises Unsatisfiable."""
    asked = _RANGE.fullmatch(request.headers.get("Range", "")) if request.method == "GET" else None
    condition = request.headers.get("If-Range", "").strip()
    # A date would have to be the file's own, and a weak ETag says nothing about bytes.
    if asked is None or (condition and condition != etag):
        return None
    start, end = asked.groups()
    if not start and not end:
        return None
    if not start:  # the last bytes
        if not int(end) or not size:
            raise Unsatisfiable
        return max(0, size - int(end)), size - 1
    first, last = int(start), min(int(end), size - 1) if end else size - 1
    if end and int(end) < first:
        return None  # not a range: ignored
    if first >= size:
        raise Unsatisfiable
    return first, last


def _whole(file, size: int, content_type: str, headers: dict, attachment: bool, name: str) -> HttpResponse:
    if local_path(file) is None:
        headers = headers | {"Content-Length": str(size)}
        return StreamingHttpResponse(blocks(file, 0, size), content_type=content_type, headers=headers)
    try:  # lets the server send a local file by itself
        opened = file.storage.open(file.name, "rb")
    except FileNotFoundError as error:
        raise Http404 from error
    return FileResponse(
        opened, as_attachment=attachment, filename=name, content_type=content_type, headers=headers
    )


def blocks(file, first: int, length: int) -> Iterator[bytes]:
    """``length`` bytes of a stored file from byte ``first``. Raises Http404 at once if it is gone."""
    end = first + length
    parts = ((start, min(BLOCK, end - start)) for start in range(first, end, BLOCK))
    found = read_ranges(file.storage, file.name, parts)
    try:
        begin = next(found, b"")
    except FileNotFoundError as error:
        raise Http404 from error
    return chain([begin], found)
