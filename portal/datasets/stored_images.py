"""Single images of a version, and their thumbnails, for pages that show some of them."""

from __future__ import annotations

import functools
import re
from collections.abc import Collection
from dataclasses import dataclass

from django.core.files.storage import default_storage

from portal.core.files import read_range
from portal.datasets import indexes
from portal.datasets.grid import file_name
from portal.datasets.models import DatasetVersion, Pack
from workers.contract.messages import msg
from workers.datakit.errors import StagingError
from workers.datakit.index import Filter, ImageRow

# Magic bytes and media types. Only these are ever stored.
_BEGINNINGS = [
    (b"\x89PNG", "image/png"), (b"\xff\xd8", "image/jpeg"), (b"RIFF", "image/webp"), (b"BM", "image/bmp"),
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class StoredImage:
    """The place of an image in a pack; ``etag`` stands for its content, which never changes."""

    pack: str
    start: int
    size: int
    etag: str

    def read(self) -> tuple[bytes, str]:
        """The content and its type. Raises FileNotFoundError if it is no longer stored."""
        content = read_range(default_storage, _stored_name(self.pack), self.start, self.size)
        if len(content) != self.size:
            raise FileNotFoundError(msg("the pack {pack} ends too early", pack=self.pack))
        return content, next((kind for begin, kind in _BEGINNINGS if content.startswith(begin)), "image/jpeg")


def find(version: DatasetVersion, number: int, *, small: bool = False) -> StoredImage | None:
    """The image with the id ``number``, or its thumbnail; None if there is none."""
    if not version.is_checked or number >= 2**63:
        return None
    with indexes.opened(version) as index:
        image = index.image(number)
    return None if image is None else _thumbnail(image) if small else _whole(image)


def file_names(version: DatasetVersion, numbers: Collection[int]) -> dict[int, str]:
    """The file names of these images, by id; empty if the version's index is lost."""
    try:
        with indexes.opened(version) as index:
            rows = index.page(Filter(ids=tuple(numbers)), limit=len(numbers))
    except StagingError:
        return {}
    return {row.id: file_name(row) for row in rows}


def number_of(name: str) -> int:
    """The id of the image that the staged folder calls ``000012.png``; 0 for any other name."""
    found = re.fullmatch(r"([0-9]{6,18})\.(?:png|jpg|webp|bmp)", name)
    return int(found[1]) if found else 0


def _whole(image: ImageRow) -> StoredImage:
    return StoredImage(image.pack, image.start, image.size, image.sha256)


def _thumbnail(image: ImageRow) -> StoredImage:
    if image.thumb_size is None:
        return _whole(image)
    return StoredImage(image.pack, image.thumb_start, image.thumb_size, f"small-{image.sha256}")


@functools.lru_cache(maxsize=10_000)
def _stored_name(pack: str) -> str:
    """Packs have unique names and never move."""
    found = Pack.objects.filter(name=pack).values_list("file", flat=True).first()
    if found is None:
        raise FileNotFoundError(msg("there is no pack {pack}", pack=pack))
    return found
