"""Single images out of a stored dataset, for the pages that show some of them."""

from __future__ import annotations

import functools
import tarfile

from portal.datasets.models import DatasetVersion

TYPES = {"png": "image/png", "jpg": "image/jpeg", "webp": "image/webp", "bmp": "image/bmp"}


def picture(version: DatasetVersion, name: str) -> tuple[bytes, str] | None:
    """The bytes of the dataset's image ``000001.png`` and their content type; None if there is none."""
    content_type = TYPES.get(name.rpartition(".")[2])
    place = _index(version.archive.name).get(f"images/{name}") if content_type and version.archive else None
    if place is None:
        return None
    start, size = place
    with version.archive.storage.open(version.archive.name, "rb") as archive:
        archive.seek(start)
        return archive.read(size), content_type


@functools.lru_cache(maxsize=8)
def _index(archive_name: str) -> dict[str, tuple[int, int]]:
    """Where each member of the (uncompressed) tar begins and how long it is. Archives never change."""
    storage = DatasetVersion._meta.get_field("archive").storage
    with storage.open(archive_name, "rb") as archive, tarfile.open(fileobj=archive, mode="r:") as tar:
        return {member.name: (member.offset_data, member.size) for member in tar if member.isreg()}
