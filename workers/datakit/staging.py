"""Writes a version into the local cache as the folder that training and conversion read.

Any number of jobs on this host share it. No Django here: an index and a pack reader go in.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import shutil
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from workers.contract.messages import msg

from . import coco_json
from .errors import StagingError, full_disk_is_input_error
from .index import ImageRow, Index
from .packing import INDEX, LABELS, index_line, label_lines, list_line, record

# Takes images, best in the order of the packs, and yields each with its content.
ReadPacks = Callable[[Iterator[ImageRow]], Iterator[tuple[ImageRow, bytes]]]


def stage(index: Index, read: ReadPacks, target: Path) -> Path:
    """Write the version to the folder ``target`` and return it; return it at once if it exists.

    Name ``target`` after the content hash: what has that name is complete and never changes, and equal
    content gives equal bytes. Any number of processes may request the same folder; one writes, the others
    wait. Raises StagingError for a lost or damaged pack, InputError if the disk is full.
    """
    if target.is_dir():
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.with_name(f".{target.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not target.is_dir():
            _write_and_rename(index, read, target)
    return target


def _write_and_rename(index: Index, read: ReadPacks, target: Path) -> None:
    temporary = target.with_name(f".{target.name}.tmp")
    # Only the lock holder gets here: any existing folder was left by a killed process.
    shutil.rmtree(temporary, ignore_errors=True)
    (temporary / "images").mkdir(parents=True)
    try:
        with full_disk_is_input_error():
            _write_images(index, read, temporary / "images")
            _write_lists(index, temporary)
        os.rename(temporary, target)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise


def _write_images(index: Index, read: ReadPacks, folder: Path) -> None:
    for image, content in read(index.by_place()):
        if hashlib.sha256(content).hexdigest() != image.sha256:
            raise StagingError(
                msg(
                    "The stored image {name} ({original}) is damaged: upload the dataset again.",
                    name=image.name,
                    original=image.original,
                )
            )
        (folder / image.name).write_bytes(content)


def _write_lists(index: Index, folder: Path) -> None:
    with contextlib.ExitStack() as opened:
        records, *lists = (
            opened.enter_context((folder / name).open("w", encoding="utf-8"))
            for name in (INDEX, *(f"{split}.txt" for split in index.splits()))
        )
        of_split = dict(zip(index.splits(), lists, strict=True))
        for image in index.all():
            if not image.is_unlabelled:
                of_split[image.split].write(list_line(image) + "\n")
            records.write(index_line(image) + "\n")
    if index.has_boxes:
        _write_boxes(index, folder)
    labels = "".join(line + "\n" for line in label_lines(index.class_names))
    (folder / LABELS).write_text(labels, encoding="utf-8")


def _write_boxes(index: Index, folder: Path) -> None:
    """The boxes again, in PaddleX's format."""
    (folder / "annotations").mkdir()
    for split in index.splits():
        lines = coco_json.lines(index.class_names, partial(_records, index, split), first_category=0)
        with (folder / coco_json.STAGED.format(split)).open("wb") as target:
            target.writelines(lines)


def _records(index: Index, split: str) -> Iterator[dict[str, Any]]:
    return (record(image) for image in index.all() if image.split == split)
