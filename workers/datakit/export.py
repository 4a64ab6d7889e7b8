"""Exports a stored version in the formats of other tools, as a zip generated while it is sent.

No Django here: an index and a pack reader go in, bytes come out, and at most one image is in memory (from S3,
plus readahead).
"""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Iterator

from workers.contract.messages import msg

from . import export_formats
from .export_formats import File
from .index import Index
from .readers import CLASSIFICATION, DETECTION
from .staging import ReadPacks
from .stored import ExportError, Stored

__all__ = ["FORMATS", "ExportError", "export"]

# {format: {task: writer}}; the names are those of `readers.LAYOUTS`.
FORMATS: dict[str, dict[str, Callable[[Stored], Iterator[File]]]] = {
    "folders": {CLASSIFICATION: export_formats.class_folders},
    "csv": {CLASSIFICATION: export_formats.csv_table},
    "paddlex": {CLASSIFICATION: export_formats.paddlex_lists, DETECTION: export_formats.paddlex_coco},
    "labelme": {CLASSIFICATION: export_formats.labelme_flags, DETECTION: export_formats.labelme_boxes},
    "coco": {DETECTION: export_formats.coco},
    "voc": {DETECTION: export_formats.voc},
    "yolo": {DETECTION: export_formats.yolo},
}
MOMENT = (1980, 1, 1, 0, 0, 0)  # the same version gives the same bytes


def export(index: Index, read: ReadPacks, format: str) -> Iterator[bytes]:
    """Return the bytes of a zip with the version of ``index``, piece by piece; ``read`` reads its packs.

    Raises ExportError at once, before the first piece, for a format that is unknown, cannot hold the
    version's labels, or cannot represent its class names.
    """
    stored = Stored(index, read)
    if format not in FORMATS:
        raise ExportError(
            msg(
                "There is no export format called {format}: use {formats}.",
                format=repr(format),
                formats=", ".join(FORMATS),
            )
        )
    writer = FORMATS[format].get(stored.task)
    if writer is None:
        others = ", ".join(name for name, tasks in FORMATS.items() if stored.task in tasks)
        raise ExportError(
            msg(
                "{format} cannot hold a {task} set: use {others}.",
                format=format,
                task=stored.task,
                others=others,
            )
        )
    if format == "folders":
        export_formats.check_folder_names(stored.class_names)
    return _zipped(writer(stored))


class _Sink:
    """An append-only file whose written bytes are taken away piece by piece."""

    def __init__(self) -> None:
        self._written: list[bytes] = []

    def write(self, block: bytes) -> int:
        self._written.append(bytes(block))
        return len(block)

    def flush(self) -> None:
        """Nothing is buffered."""

    def take(self) -> bytes:
        taken = b"".join(self._written)
        self._written.clear()
        return taken


def _zipped(files: Iterator[File]) -> Iterator[bytes]:
    sink = _Sink()
    with zipfile.ZipFile(sink, "w") as archive:
        for name, blocks in files:
            # Images are already compressed; text shrinks to a tenth.
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
