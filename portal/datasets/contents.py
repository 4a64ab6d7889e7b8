"""Reading images out of the stored packs of a version."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Iterator

from portal.core.files import read_ranges
from portal.datasets import indexes
from portal.datasets.models import DatasetVersion
from workers.contract.messages import msg
from workers.datakit import export
from workers.datakit.errors import StagingError
from workers.datakit.index import ImageRow
from workers.datakit.staging import ReadPacks


def reader(version: DatasetVersion) -> ReadPacks:
    """What hands out images with their contents; no pack is copied, and from S3 only what is asked for.

    It raises StagingError for a pack that is lost.
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


def exported(version: DatasetVersion, layout: str) -> Iterator[bytes]:
    """A version as a zip in a layout, piece by piece. Raises ExportError or StagingError at once."""
    opened = contextlib.ExitStack()
    try:
        pieces = export.export(opened.enter_context(indexes.opened(version)), reader(version), layout)
    except (export.ExportError, StagingError):
        opened.close()
        raise
    return _closing(opened, pieces)


def _closing(opened: contextlib.ExitStack, pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Yield the pieces and close what they come from, also when the reader goes away."""
    with opened:
        yield from pieces


def _lost(version: DatasetVersion, name: str) -> StagingError:
    return StagingError(
        msg(
            "Images of {version} are no longer in the server's storage (the file {name} is "
            "gone): upload the dataset again.",
            version=version,
            name=name,
        )
    )
