"""A version as the export formats see it: without images that wait for their class."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from workers.contract.messages import msg

from . import sources
from .index import ImageRow, Index
from .packing import record
from .staging import ReadPacks


class ExportError(ValueError):
    """A version cannot be exported in this way; the message is one sentence for the person."""


class Stored:
    """A version as the formats see it: class names and splits, records by id, images in stored order."""

    def __init__(self, index: Index, read: ReadPacks):
        self._index, self._read = index, read
        self.class_names, self.task = index.class_names, index.task
        self.splits = index.splits()

    def records(self, split: str | None = None) -> Iterator[dict[str, Any]]:
        """Yield each image's record in index.jsonl (of one split), with ``file`` and ``label``."""
        for image in self._index.all():
            if split in (None, image.split) and not image.is_unlabelled:
                yield self._record(image)

    def images(self) -> Iterator[tuple[dict[str, Any], Iterator[bytes]]]:
        """Yield each record with its image's content, in the order of the packs, which is fastest."""
        labelled = (image for image in self._index.by_place() if not image.is_unlabelled)
        for image, content in self._read(labelled):
            if len(content) != image.size:
                raise ExportError(msg("The stored dataset is damaged: upload it again."))
            yield self._record(image), iter([content])

    def _record(self, image: ImageRow) -> dict[str, Any]:
        found = {**record(image), "file": image.name}
        if image.class_id is not None:
            found["label"] = self.class_names[image.class_id]
        if source := sources.of(image):
            found["source"] = source
        if image.proposed is not None:
            found["proposed"] = image.proposed
        return found
