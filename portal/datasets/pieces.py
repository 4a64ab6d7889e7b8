"""The stored bytes of an upload: pieces, each a file of its own under ``uploads/<id>/``.

One file per piece, because the next one may reach another web host that shares no disk with this one, and
because an object in S3 cannot be appended to. Nothing is copied when the last piece has arrived: the worker
joins them in its job folder, where it would have to copy the upload anyway.
"""

from __future__ import annotations

import os
from pathlib import Path

from django.core.files.storage import default_storage

from portal.core.files import BLOCK
from portal.datasets.models import Upload
from workers.contract import InputError
from workers.contract.messages import msg


def folder(upload: Upload) -> str:
    return f"uploads/{upload.pk}"


def store(upload: Upload, start: int, content) -> str:
    """Store a piece and return its name in storage; a local file is moved, not copied."""
    return default_storage.save(f"{folder(upload)}/{start:015d}", content)


def join(upload: Upload, target: Path) -> Path:
    """Write the whole upload to ``target``, atomically. Raises InputError if a piece is damaged."""
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f".{target.name}.joining")
    try:
        with temporary.open("wb") as whole:
            for piece in upload.pieces.all():
                with piece.file.open("rb") as source:
                    while block := source.read(BLOCK):
                        whole.write(block)
                if whole.tell() != piece.start + piece.size:
                    raise InputError(
                        msg("A part of the upload was lost on the server: upload the file again.")
                    )
        os.replace(temporary, target)
    finally:
        temporary.unlink(missing_ok=True)
    return target


def remove(upload: Upload) -> None:
    """Delete every stored file of the upload, also those that a killed process left without a row."""
    place = folder(upload)
    try:
        _, names = default_storage.listdir(place)
    except FileNotFoundError:
        return
    for name in names:
        default_storage.delete(f"{place}/{name}")
    default_storage.delete(place)  # the folder, if storage has folders
