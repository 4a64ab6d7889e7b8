"""Makes a version from its images, whether uploaded, from an earlier version, or edited.

No Django here: the ingest and revise programs end with this.
"""

from __future__ import annotations

import itertools
from array import array
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from workers.contract.splits import SPLITS

from .findings import Findings
from .flatboxes import class_ids, hash_text
from .histograms import statistics_of
from .index import ImageRow, write_index
from .judging import judge
from .packing import content_hash
from .proposed import summary

_NO_BOXES = array("d")


def assemble(
    images: list[ImageRow], class_names: Sequence[str], task: str, target: Path, findings: Findings
) -> dict[str, Any]:
    """Sort and judge ``images``, write the version's index at ``target`` and return the result's fields.

    ``findings`` so far are passed in and extended. The fields: ``content_hash``, ``task``, ``class_names``,
    ``counts``, ``images``, ``train``, ``val``, ``test``, ``bytes``, ``pack_names``, ``findings``,
    ``statistics``. The order of the images makes equal content get equal file names in the staged folder,
    whatever the upload called them.
    """
    images.sort(key=_order)
    for number, image in enumerate(images, start=1):
        image.id = number
    counts = class_counts(images, class_names)
    judge(images, counts, findings)
    write_index(target, list(class_names), task, images)
    splits = Counter(image.split for image in images if not image.is_unlabelled)
    return {
        "content_hash": content_hash(class_names, _hash_rows(images, class_names)),
        "task": task,
        "class_names": list(class_names),
        "counts": counts,
        "images": len(images),
        **{split: splits[split] for split in SPLITS},
        "bytes": sum(image.size for image in images),
        "pack_names": sorted({image.pack for image in images}),
        "findings": findings.as_list(),
        "statistics": {**statistics_of(images), "proposed": summary(images)},
    }


def _order(image: ImageRow) -> tuple:
    class_id = -1 if image.class_id is None else image.class_id
    return class_id, image.sha256, image.split, image.boxes or _NO_BOXES, image.original


def _hash_rows(images: list[ImageRow], class_names: Sequence[str]) -> Iterator[tuple[str, str, str]]:
    """Yield (sha256, label text, split), sorted; box texts are long, so never all at once."""
    ordered = sorted(images, key=lambda image: image.sha256)
    for sha256, copies in itertools.groupby(ordered, key=lambda image: image.sha256):
        yield from sorted((sha256, label_text(image, class_names), image.split) for image in copies)


def label_text(image: ImageRow, class_names: Sequence[str]) -> str:
    """Return the text of the image's label for the content hash; it does not depend on class ids."""
    if image.boxes is not None:
        return hash_text(image.boxes, class_names)
    return "" if image.class_id is None else class_names[image.class_id]


def class_counts(images: list[ImageRow], class_names: Sequence[str]) -> list[dict[str, Any]]:
    """Return ``{"name", "train", "val", "test", "total"}`` for each class, in the order of ids.

    For a detection dataset, they count the images with a box of the class, and ``"boxes"`` counts its boxes.
    """
    counts: Counter[tuple[int, str]] = Counter()
    boxes: Counter[int] = Counter()
    for image in images:
        ids = None if image.boxes is None else class_ids(image.boxes)
        for class_id in {image.class_id} if ids is None else set(ids):
            counts[class_id, image.split] += 1
        boxes.update(ids or ())
    rows = []
    for class_id, name in enumerate(class_names):
        by_split = {split: counts[class_id, split] for split in SPLITS}
        row = {"name": name, **by_split, "total": sum(by_split.values())}
        rows.append({**row, "boxes": boxes[class_id]} if boxes else row)
    return rows
