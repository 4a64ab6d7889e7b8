"""Versions from before there were indexes: their images lie in one ``dataset.tar``, which serves as a pack.

The index is made from the tar's own ``index.jsonl`` when it is first asked for. What such a version never
had stays unknown: the measures of its images, and thumbnails (the images serve as such).
"""

from __future__ import annotations

import json
import tarfile
import tempfile
from array import array
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings
from django.core.files import File
from django.core.files.storage import default_storage

from portal.core.files import fetch, local_path
from portal.datasets.models import DatasetVersion
from workers.datakit.errors import StagingError
from workers.datakit.index import ImageRow, write_index
from workers.datakit.packing import INDEX, LABELS


def make_index(version: DatasetVersion) -> None:
    """Write the index of a version that has none, and drop its old thumbnails.

    Several processes may do so at once: the first one's index stays. Raises StagingError for a lost or
    damaged archive.
    """
    pack = version.packs.first()
    if pack is None:
        raise StagingError(f"{version} has no images in the server's storage: upload it again.")
    Path(settings.CACHE_DIR).mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=settings.CACHE_DIR) as folder:
        try:
            source = local_path(pack.file) or fetch(pack.file, Path(folder) / "dataset.tar")
            target = _write(source, pack.name, version.task, Path(folder) / "index.sqlite")
        except (FileNotFoundError, tarfile.TarError, KeyError, ValueError) as error:
            raise StagingError(f"The stored images of {version} are damaged: upload it again.") from error
        with target.open("rb") as content:
            stored = default_storage.save(f"versions/{version.job_id}/index.sqlite", File(content))
    if not DatasetVersion.objects.filter(pk=version.pk, index="").update(index=stored):
        default_storage.delete(stored)
    version.refresh_from_db(fields=["index"])
    for thumb in version.job.artifacts.filter(name__startswith="thumbs/"):
        thumb.delete()
        default_storage.delete(thumb.file.name)


def _write(source: Path, pack: str, task: str, target: Path) -> Path:
    places: list[tuple[int, int]] = []  # in the order of the index
    lists: dict[str, bytes] = {}
    with tarfile.open(source, mode="r:") as tar:
        for member in tar:
            if member.name.startswith("images/"):
                places.append((member.offset_data, member.size))
            elif member.name in (INDEX, LABELS):
                lists[member.name] = tar.extractfile(member).read()
    labels = lists[LABELS].decode("utf-8").split("\n")
    class_names = [line.partition(" ")[2] for line in labels if line]
    write_index(target, class_names, task, list(_rows(lists[INDEX], places, pack)))
    return target


def _rows(index: bytes, places: list[tuple[int, int]], pack: str) -> Iterator[ImageRow]:
    for line, (start, size) in zip(index.splitlines(), places, strict=True):
        record = json.loads(line)
        boxes = record.get("boxes")
        yield ImageRow(
            original=record["original"],
            sha256=record["sha256"],
            pack=pack,
            start=start,
            size=size,
            suffix="." + record["name"].rpartition(".")[2],
            width=record["width"],
            height=record["height"],
            split=record["split"],
            class_id=record["class_id"],
            boxes=None if boxes is None else array("d", [value for box in boxes for value in box]),
            note=record["note"],
        )
