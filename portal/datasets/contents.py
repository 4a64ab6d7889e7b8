"""Reads images from the stored packs of a version."""

from __future__ import annotations

import functools
import hashlib
import itertools
import zlib
from collections.abc import Iterator
from pathlib import Path

from django.http import HttpResponse

from portal.core import ranges
from portal.core.files import read_ranges
from portal.datasets import indexes
from portal.datasets.models import DatasetVersion
from workers.contract.messages import msg
from workers.datakit import coco_json, export, export_formats, proposed, sources, stored
from workers.datakit.errors import StagingError
from workers.datakit.index import ImageRow
from workers.datakit.staging import ReadPacks

CODE = (coco_json, export, export_formats, proposed, sources, stored)  # what writes an export's bytes


def reader(version: DatasetVersion) -> ReadPacks:
    """Reads images with their contents. No pack is copied; from S3 only the requested parts are read.

    Raises StagingError for a missing pack.
    """
    files = {pack.name: pack.file for pack in version.packs.all()}

    def read(images: Iterator[ImageRow]) -> Iterator[tuple[ImageRow, bytes]]:
        for name, group in itertools.groupby(images, key=lambda image: image.pack):
            if name not in files:
                raise _lost(version, name)
            wanted, again = itertools.tee(group)
            places = ((image.start, image.size) for image in wanted)
            contents = read_ranges(files[name].storage, files[name].name, places)
            try:
                for content in contents:
                    yield next(again), content
            except FileNotFoundError as error:
                raise _lost(version, name) from error

    return read


def serve_export(request, version: DatasetVersion, layout: str) -> HttpResponse:
    """Serve the version as a zip in a format, or a range of it. Raises ExportError or StagingError."""
    pieces = exported(version, layout, reader(version))
    return ranges.serve_made(
        request,
        lambda: pieces,
        lambda: sum(map(len, exported(version, layout, _blank))),
        tag=_tag(version.pk, layout),
        name=f"{version.dataset.name}-v{version.number}-{layout}.zip",
        content_type="application/zip",
    )


def _blank(images: Iterator[ImageRow]) -> Iterator[tuple[ImageRow, bytes]]:
    """Images without their contents, for measuring: none is compressed again, so their sizes suffice."""
    return ((image, bytes(image.size)) for image in images)


@functools.cache
def _tag(pk: int, layout: str) -> str:
    """The tag of an export's bytes: the version, and the code that writes them."""
    code = b"".join(Path(part.__file__).read_bytes() for part in CODE)
    return hashlib.sha256(f"{pk} {layout} {zlib.ZLIB_RUNTIME_VERSION}".encode() + code).hexdigest()


def exported(version: DatasetVersion, layout: str, read: ReadPacks) -> Iterator[bytes]:
    """A version as a zip in a format, piece by piece. Raises ExportError or StagingError at once."""
    pieces = _pieces(version, layout, read)
    next(pieces)  # from here on, closing them closes the index, also if nobody wants the first
    return pieces


def _pieces(version: DatasetVersion, layout: str, read: ReadPacks) -> Iterator[bytes]:
    with indexes.opened(version) as index:
        made = export.export(index, read, layout)
        yield b""
        yield from made


def _lost(version: DatasetVersion, name: str) -> StagingError:
    return StagingError(
        msg(
            "Images of {version} are no longer in the server's storage (the file {name} is "
            "gone): upload the dataset again.",
            version=version,
            name=name,
        )
    )
