"""The content hash of a version, and the lists of its staged folder."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from .index import ImageRow

LABELS, INDEX = "label.txt", "index.jsonl"


def content_hash(class_names: Sequence[str], rows: Iterable[tuple[str, str, str]]) -> str:
    """Return the SHA-256 over the class names in order and the rows, which must be sorted.

    A row is (image sha256, class name, split); for a detection dataset, the class name is the text of the
    image's boxes. The order of the names belongs to the content: it defines the ids in the lists of the
    splits.
    """
    digest = hashlib.sha256(("\n".join(class_names) + "\n\n").encode("utf-8"))
    for row in rows:
        digest.update(("\t".join(row) + "\n").encode("utf-8"))
    return digest.hexdigest()


def record(image: ImageRow) -> dict[str, Any]:
    """Return an image's record for index.jsonl.

    ``name`` is ``images/000001.png``; ``class_id`` an index into the class names, None in a detection
    dataset, whose records have ``boxes`` of ``[class id, left, top, width, height]`` in pixels.
    """
    return {
        "name": f"images/{image.name}",
        "original": image.original,
        "class_id": image.class_id,
        "split": image.split,
        "width": image.width,
        "height": image.height,
        "bytes": image.size,
        "sha256": image.sha256,
        "note": image.note,
        **({} if image.boxes is None else {"boxes": image.box_rows()}),
    }


def list_line(image: ImageRow) -> str:
    """The image's line in the list of its split: without a class in a detection dataset."""
    name = f"images/{image.name}"
    return name if image.class_id is None else f"{name} {image.class_id}"


def label_lines(class_names: Sequence[str]) -> Iterator[str]:
    return (f"{class_id} {name}" for class_id, name in enumerate(class_names))


def index_line(image: ImageRow) -> str:
    return json.dumps(record(image), ensure_ascii=False)
