"""Writing a stored version in the layouts that other tools read, as a zip that is made while it is sent.

No Django here: a dataset.tar goes in, bytes come out, and no more than one image is in memory.
"""

from __future__ import annotations

import json
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO

from . import export_layouts
from .export_layouts import ExportError, File
from .packing import INDEX, LABELS
from .readers import CLASSIFICATION, DETECTION

__all__ = ["FORMATS", "ExportError", "export"]

# {format: {task: what writes it}}; the names are those of `readers.LAYOUTS`.
FORMATS: dict[str, dict[str, Callable[[Stored], Iterator[File]]]] = {
    "folders": {CLASSIFICATION: export_layouts.class_folders},
    "csv": {CLASSIFICATION: export_layouts.csv_table},
    "paddlex": {CLASSIFICATION: export_layouts.paddlex_lists, DETECTION: export_layouts.paddlex_coco},
    "labelme": {CLASSIFICATION: export_layouts.labelme_flags, DETECTION: export_layouts.labelme_boxes},
    "coco": {DETECTION: export_layouts.coco},
    "voc": {DETECTION: export_layouts.voc},
    "yolo": {DETECTION: export_layouts.yolo},
}
BLOCK = 1024 * 1024
MOMENT = (1980, 1, 1, 0, 0, 0)  # the same version gives the same bytes


def export(source: BinaryIO, format: str) -> Iterator[bytes]:
    """Return the bytes of a zip with the version in ``source`` (a seekable dataset.tar), piece by piece.

    Raises ExportError at once, before the first piece, for a format that is not known, cannot hold the
    version's labels, or cannot write its class names.
    """
    stored = Stored(source)
    if format not in FORMATS:
        raise ExportError(f"There is no export format called {format!r}: use {', '.join(FORMATS)}.")
    writer = FORMATS[format].get(stored.task)
    if writer is None:
        others = ", ".join(name for name, tasks in FORMATS.items() if stored.task in tasks)
        raise ExportError(f"{format} cannot hold a {stored.task} set: use {others}.")
    if format == "folders":
        export_layouts.check_folder_names(stored.class_names)
    return _zipped(writer(stored))


class Stored:
    """A dataset.tar: its class names, the lines of its index, and its images in the same order.

    The index is kept as text and read line by line: as objects it would take ten times the memory.
    """

    def __init__(self, source: BinaryIO):
        self._source = source
        source.seek(0)
        lists = {}
        with tarfile.open(fileobj=source, mode="r:") as tar:
            while (member := tar.next()) is not None:
                tar.members.clear()
                if member.name in (INDEX, LABELS):
                    lists[member.name] = tar.extractfile(member).read()
        self._index = lists[INDEX]
        labels = lists[LABELS].decode("utf-8").split("\n")
        self.class_names = [line.partition(" ")[2] for line in labels if line]
        first = next(self.records(), None)
        self.task = DETECTION if first is not None and "boxes" in first else CLASSIFICATION

    def records(self, split: str | None = None) -> Iterator[dict[str, Any]]:
        """Yield the lines of index.jsonl, those of one side if it is named, with ``file`` and ``label``."""
        start = 0
        while (end := self._index.find(b"\n", start)) >= 0:
            record = json.loads(self._index[start:end])
            start = end + 1
            record["file"] = record["name"].rpartition("/")[2]
            if record["class_id"] is not None:
                record["label"] = self.class_names[record["class_id"]]
            if split in (None, record["split"]):
                yield record

    def images(self) -> Iterator[tuple[dict[str, Any], Iterator[bytes]]]:
        """Yield each record with its image's content, in blocks that must be taken before the next."""
        self._source.seek(0)
        with tarfile.open(fileobj=self._source, mode="r:") as tar:
            for record in self.records():
                member = tar.next()
                tar.members.clear()
                if member is None or member.name != record["name"]:
                    raise ExportError("The stored dataset is damaged: upload it again.")
                content = tar.extractfile(member)
                yield record, iter(lambda content=content: content.read(BLOCK), b"")


class _Sink:
    """A file that only grows, from which what was written is taken away piece by piece."""

    def __init__(self) -> None:
        self._written: list[bytes] = []

    def write(self, block: bytes) -> int:
        self._written.append(bytes(block))
        return len(block)

    def flush(self) -> None:
        """Nothing is held back."""

    def take(self) -> bytes:
        taken = b"".join(self._written)
        self._written.clear()
        return taken


def _zipped(files: Iterator[File]) -> Iterator[bytes]:
    sink = _Sink()
    with zipfile.ZipFile(sink, "w") as archive:
        for name, blocks in files:
            # Images are compressed already; text shrinks to a tenth.
            is_image = name.endswith((".png", ".jpg", ".bmp", ".webp"))
            info = zipfile.ZipInfo(name, MOMENT)
            info.compress_type = zipfile.ZIP_STORED if is_image else zipfile.ZIP_DEFLATED
            info.external_attr = 0o644 << 16
            with archive.open(info, "w", force_zip64=True) as target:
                for block in blocks:
                    target.write(block)
                    if taken := sink.take():
                        yield taken
    yield sink.take()
