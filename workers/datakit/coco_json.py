"""COCO annotation files of a split: how they are written, and read from a staged dataset."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from workers.contract import InputError
from workers.contract.messages import msg

from .proposed import OWN, Proposed

Record = dict[str, Any]  # of an image with boxes, as ``packing.record`` returns it
STAGED = "annotations/instance_{}.json"  # of a split, in the folder that PaddleX reads


def lines(
    class_names: Sequence[str], records: Callable[[], Iterable[Record]], first_category: int
) -> Iterator[bytes]:
    """Yield the file for some images; ``records`` is called twice, so that memory does not grow."""
    categories = [
        {"id": n, "name": name, "supercategory": ""} for n, name in enumerate(class_names, first_category)
    ]
    yield b'{"categories": ' + json.dumps(categories, ensure_ascii=False).encode("utf-8")
    images = (
        {"id": _id(r), "file_name": _file(r), "width": r["width"], "height": r["height"], **_source(r)}
        for r in records()
    )
    yield from _listed("images", images)
    boxes = ((_id(r), box, origin) for r in records() for box, origin in _with_origins(r))
    annotations = (
        {"id": n, "image_id": image, "category_id": box[0] + first_category, "bbox": box[1:],
         "area": round(box[3] * box[4], 2), "iscrowd": 0, "segmentation": [], **origin}
        for n, (image, box, origin) in enumerate(boxes, 1)
    )  # fmt: skip
    yield from _listed("annotations", annotations)
    yield b"}\n"


def _source(record: Record) -> dict[str, Any]:
    """The device, time and release that an image came from."""
    return {"source": record["source"]} if record.get("source") else {}


def _with_origins(record: Record) -> Iterator[tuple[list[float], dict[str, Any]]]:
    """The boxes, each with the fields that say which model proposed it and what a person made of that."""
    proposed: Proposed | None = record.get("proposed")
    origins = proposed.origins(record["boxes"]) if proposed else itertools.repeat(OWN)
    for box, origin in zip(record["boxes"], origins, strict=False):
        by = {"proposed_by": {"model": proposed.model, "name": proposed.by}} if origin and proposed else {}
        yield box, {"proposal": origin, **by} if origin else {}


def _file(record: Record) -> str:
    return record["name"].rpartition("/")[2]


def _id(record: Record) -> int:
    return int(_file(record).partition(".")[0])


def _listed(key: str, rows: Iterable[Record]) -> Iterator[bytes]:
    yield f',\n"{key}": ['.encode()
    for number, row in enumerate(rows):
        yield (",\n" if number else "\n").encode() + json.dumps(row, ensure_ascii=False).encode("utf-8")
    yield b"]"


def read_staged(dataset: Path, split: str, classes: int) -> list[Record]:
    """The images of a split of a staged dataset, in file order.

    Each is a prediction without its boxes: ``{"image", "width", "height", "truth"}``, see
    ``scoring/detection.py``. Raises InputError if the split is missing, has no images, or is not a detection
    dataset with this many classes.
    """
    try:
        found = json.loads((dataset / STAGED.format(split)).read_text(encoding="utf-8"))
        rows = {one["id"]: _row(one) for one in found["images"]}
        for one in found["annotations"]:
            if not 0 <= one["category_id"] < classes:
                raise ValueError(f"category {one['category_id']} of {classes}")
            box = {"label": one["category_id"], "box": one["bbox"]}
            rows[one["image_id"]]["truth"].append(box)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(
            msg(
                "The dataset's {split} split has no boxes that can be read ({error}): choose a dataset "
                "for detection.",
                split=split,
                error=error,
            )
        ) from error
    if not rows:
        raise InputError(msg("The data set's {split} split is empty: add images to it.", split=split))
    return list(rows.values())


def _row(image: Record) -> Record:
    name = f"images/{image['file_name']}"
    return {"image": name, "width": image["width"], "height": image["height"], "truth": []}
