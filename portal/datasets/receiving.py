"""Receives the bytes of an upload, in pieces and with little memory.

A piece counts only once its row and the new offset are written, in one transaction and by compare-and-set: a
process that dies at any byte loses only the piece in progress, and of two connections that append at once,
one loses.
"""

from __future__ import annotations

import hashlib
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta

from django.conf import settings
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import TemporaryUploadedFile
from django.db import DatabaseError, transaction
from django.db.models import Q
from django.utils import timezone

from portal.core.diskspace import SENTENCE, no_space
from portal.datasets import pieces
from portal.datasets.models import Upload, UploadPiece
from portal.datasets.refusals import Busy, Expired, Missing, NoRoom, TooLarge, WrongChecksum, WrongOffset
from portal.datasets.uploads import complete, new_expiry
from workers.contract.messages import msg, msg_n
from workers.datakit.limits import human_bytes

BLOCK = 1024 * 1024
MAX_PIECES = 10_000
# A connection that sends nothing for this long may be replaced by the next one.
HOLD = timedelta(seconds=10)
RENEW_SECONDS = 2.0
BUSY = msg("Another connection is sending this upload: wait a few seconds and ask again.")


@dataclass(frozen=True)
class Body:
    """A request body: ``read(n)`` returns fewer than n bytes at the end, or if the connection broke.

    ``size`` is None if the client did not declare it. ``checksum`` is the name of a hashlib algorithm and the
    digest that the whole body must have.
    """

    read: Callable[[int], bytes]
    size: int | None
    checksum: tuple[str, bytes] | None = None


def append(upload: Upload, offset: int, body: Body) -> None:
    """Append a body at ``offset``; afterwards, ``upload.offset`` counts the bytes safely stored.

    If the connection breaks, what arrived until then is kept; with a checksum, it is all or nothing. Raises
    WrongOffset, Busy, TooLarge, WrongChecksum, Expired, Missing or NoRoom.
    """
    if upload.is_expired:
        raise Expired(expired_sentence(upload))
    size = body.size or 0
    if upload.is_whole and size and offset + size == upload.length:
        return  # the last bytes again: the client has missed our response
    if offset + size > upload.length:
        raise TooLarge(
            msg(
                "The upload was announced with {length} bytes; this would make it longer.",
                length=upload.length,
            )
        )
    if upload.pieces.count() >= MAX_PIECES:
        raise TooLarge(
            msg(
                "The upload came in {most} pieces: start it again with chunks of {size}.",
                most=f"{MAX_PIECES:,}",
                size=human_bytes(settings.UPLOAD_PIECE_BYTES),
            )
        )
    receiver = Receiver(upload, offset, body)
    try:
        receiver.receive()
    except (OSError, DatabaseError) as error:
        if not no_space(error):
            raise
        raise NoRoom(SENTENCE) from error
    finally:
        receiver.release()


def expired_sentence(upload: Upload) -> str:
    return msg_n(
        "The upload of {filename} expired because nothing came for {count} hour: start it again.",
        "The upload of {filename} expired because nothing came for {count} hours: start it again.",
        settings.UPLOAD_KEPT_HOURS,
        filename=upload.filename,
    )


@dataclass
class Receiver:
    """One connection that appends to one upload, which it holds until ``release``."""

    upload: Upload
    offset: int
    body: Body
    holder: str = field(default_factory=lambda: uuid.uuid4().hex)

    def __post_init__(self):
        now = timezone.now()
        here = Upload.objects.filter(pk=self.upload.pk, offset=self.offset)
        free = here.filter(Q(held_until=None) | Q(held_until__lt=now))
        if free.update(holder=self.holder, held_until=now + HOLD):
            self.upload.offset = self.offset
            return
        self._refresh()
        if self.upload.offset != self.offset:
            raise WrongOffset(
                msg(
                    "The upload stands at byte {offset}, not at {given}: go on from there.",
                    offset=self.upload.offset,
                    given=self.offset,
                )
            )
        raise Busy(BUSY)

    def release(self) -> None:
        self._mine().update(holder="", held_until=None)

    def _mine(self):
        return Upload.objects.filter(pk=self.upload.pk, holder=self.holder)

    def _refresh(self) -> None:
        try:
            self.upload.refresh_from_db()
        except Upload.DoesNotExist:
            raise Missing(msg("This upload was discarded: start it again.")) from None

    def _superseded(self) -> Busy:
        self._refresh()
        return Busy(msg("Another connection has gone on with this upload in the meantime."))

    def receive(self) -> None:
        """Receive the body piece by piece; with a checksum, as one piece."""
        size = self.upload.length - self.offset if self.body.size is None else self.body.size
        end = self.offset + size
        while self.upload.offset < end:
            left = end - self.upload.offset
            wanted = left if self.body.checksum else min(settings.UPLOAD_PIECE_BYTES, left)
            if self._receive_piece(wanted) < wanted:
                return
        if self.body.size is None and self.body.read(1):
            raise TooLarge(
                msg("The upload was announced with {length} bytes, and more came.", length=self.upload.length)
            )

    def _receive_piece(self, wanted: int) -> int:
        """Receive and store one piece; return how many bytes arrived."""
        with TemporaryUploadedFile("piece", "application/octet-stream", 0, None) as piece:
            got, right = self._fill(piece, wanted)
            if right is False and got == wanted:
                raise WrongChecksum(msg("These bytes were damaged on the way: send them again."))
            if got and right is not False:
                self._keep(piece, got)
        return got

    def _fill(self, piece: TemporaryUploadedFile, wanted: int) -> tuple[int, bool | None]:
        """Write to the local file; return how many bytes arrived and whether they match the checksum, if
        any.
        """
        checksum = self.body.checksum
        digest = hashlib.new(checksum[0], usedforsecurity=False) if checksum else None
        got, renewed = 0, time.monotonic()
        while got < wanted and (block := self.body.read(min(BLOCK, wanted - got))):
            piece.write(block)
            got += len(block)
            if digest:
                digest.update(block)
            if time.monotonic() - renewed > RENEW_SECONDS:
                renewed = time.monotonic()
                self._renew()
        piece.flush()
        piece.seek(0)
        piece.size = got
        return got, digest.digest() == checksum[1] if digest else None

    def _renew(self) -> None:
        if not self._mine().update(held_until=timezone.now() + HOLD):
            raise self._superseded()

    def _keep(self, piece: TemporaryUploadedFile, size: int) -> None:
        """Store a piece and move the offset; if the offset does not move, the stored file is removed."""
        upload, start = self.upload, self.upload.offset
        stored = pieces.store(upload, start, piece)
        try:
            with transaction.atomic():
                moved = {"offset": start + size, "expires_at": new_expiry()}
                if not self._mine().filter(offset=start).update(**moved, held_until=timezone.now() + HOLD):
                    raise self._superseded()
                UploadPiece.objects.create(upload=upload, start=start, size=size, file=stored)
                upload.offset, upload.expires_at = moved["offset"], moved["expires_at"]
                if upload.is_whole:
                    complete(upload)
        except BaseException:
            default_storage.delete(stored)
            raise
