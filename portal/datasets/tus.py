"""The headers of tus 1.0 (https://tus.io/protocols/resumable-upload), parsed and written.

Extensions: creation, creation-with-upload, checksum, expiration, termination. An invalid header raises
ProtocolError with the status that the protocol defines.
"""

from __future__ import annotations

import base64
import binascii

from django.conf import settings
from django.http import UnreadablePostError
from django.utils.http import http_date
from rest_framework.exceptions import APIException

from portal.core.echoes import shortened
from portal.core.messages import shown
from portal.datasets import receiving
from portal.datasets.models import Upload
from portal.datasets.receiving import Body
from workers.contract.messages import msg

VERSION = "1.0.0"
EXTENSIONS = "creation,creation-with-upload,checksum,expiration,termination"
CONTENT_TYPE = "application/offset+octet-stream"
ALGORITHMS = ("sha256", "sha1", "md5", "sha512")
REASONS = {460: "Checksum Mismatch"}


class ProtocolError(APIException):
    """A request that violates the protocol."""

    def __init__(self, status: int, sentence: str):
        super().__init__(shown(sentence))
        self.status_code = status


def check_version(request) -> None:
    if request.headers.get("Tus-Resumable") != VERSION:
        raise ProtocolError(
            412, msg("Send the header Tus-Resumable: {version}, the version spoken here.", version=VERSION)
        )


def number(request, name: str) -> int:
    """A header that counts bytes."""
    text = request.headers.get(name, "")
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        text = shortened(text)
        raise ProtocolError(
            400,
            msg("The header {name} must be a whole number of bytes, not {text}.", name=name, text=repr(text)),
        )
    return int(text)


def length(request) -> int:
    """The length of a new upload. Raises ProtocolError for unsupported extensions."""
    if "Upload-Concat" in request.headers:
        sentence = msg(
            "Uploads are not put together from parts here: send the file as one upload, in chunks."
        )
        raise ProtocolError(400, shown(sentence))
    if "Upload-Defer-Length" in request.headers:
        raise ProtocolError(400, msg("The length must be known from the start: send Upload-Length."))
    return number(request, "Upload-Length")


def metadata(request) -> dict[str, str]:
    """``Upload-Metadata``: pairs of a key and a base64 value, separated by commas; a value may be missing."""
    found: dict[str, str] = {}
    for pair in request.headers.get("Upload-Metadata", "").split(","):
        key, _, value = pair.strip().partition(" ")
        if not key:
            continue
        try:
            text = base64.b64decode(value.strip(), validate=True).decode("utf-8")
        except (binascii.Error, UnicodeDecodeError):
            key = shortened(key)
            raise ProtocolError(
                400, msg("The value of {key} in Upload-Metadata must be UTF-8 text in base64.", key=repr(key))
            ) from None
        if key in found:
            key = shortened(key)
            raise ProtocolError(400, msg("Upload-Metadata names {key} twice.", key=repr(key)))
        found[key] = text.replace("\0", "")
    return found


def pair(key: str, text: str) -> str:
    """One pair in ``Upload-Metadata`` format."""
    return f"{key} {base64.b64encode(text.encode()).decode()}"


def checksum(request) -> tuple[str, bytes] | None:
    """``Upload-Checksum``: the name of an algorithm and a digest in base64."""
    text = request.headers.get("Upload-Checksum")
    if text is None:
        return None
    algorithm, _, digest = text.strip().partition(" ")
    if algorithm not in ALGORITHMS:
        algorithm = shortened(algorithm)
        raise ProtocolError(
            400,
            msg(
                "Checksums are made here with {algorithms}, not with {algorithm}.",
                algorithms=", ".join(ALGORITHMS),
                algorithm=repr(algorithm),
            ),
        )
    try:
        return algorithm, base64.b64decode(digest.strip(), validate=True)
    except binascii.Error:
        raise ProtocolError(400, msg("The digest in Upload-Checksum must be base64.")) from None


def has_body(request) -> bool:
    return request.content_type == CONTENT_TYPE


def body(request) -> Body:
    """The request's body, to be read in blocks. Call it before anything else touches the body."""
    if not has_body(request):
        raise ProtocolError(415, msg("The Content-Type must be {content_type}.", content_type=CONTENT_TYPE))
    environ = request.META
    read = _reader(request)
    if "chunked" in environ.get("HTTP_TRANSFER_ENCODING", "").lower():
        if not environ.get("wsgi.input_terminated"):
            raise ProtocolError(411, msg("Send the header Content-Length."))
        return Body(_until_broken(read), None, checksum(request))
    return Body(_until_broken(read), number(request, "Content-Length"), checksum(request))


def _reader(request):
    """``read(n)``: returns what has arrived, at most n bytes, in a buffer that the next call overwrites.

    So a slow connection counts as alive in time, and no byte is copied again.
    """
    into = getattr(request.META["wsgi.input"], "readinto1", None)
    if into is None:
        return request.read
    buffer = memoryview(bytearray(receiving.BLOCK))
    return lambda size: buffer[: into(buffer[:size])]


def _until_broken(read):
    """A broken connection ends the body: what arrived before is kept."""

    def quiet(size: int) -> bytes:
        try:
            return read(size)
        except (UnreadablePostError, OSError):
            return b""

    return quiet


def describe(response, upload: Upload) -> None:
    """Put the upload's offset and expiry into a response's headers."""
    response["Upload-Offset"] = str(upload.offset)
    if upload.version_id is None:
        response["Upload-Expires"] = http_date(upload.expires_at.timestamp())


def introduce(response) -> None:
    """Put the server's capabilities into the response to OPTIONS."""
    response["Tus-Version"] = VERSION
    response["Tus-Extension"] = EXTENSIONS
    response["Tus-Max-Size"] = str(settings.UPLOAD_MAX_BYTES)
    response["Tus-Checksum-Algorithm"] = ",".join(ALGORITHMS)
