"""Adds an upload's images to those of an earlier version."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from workers.contract.messages import msg, msg_n

from . import names
from .errors import InputError
from .findings import Findings
from .index import ImageRow, Index
from .readers import Listing


def added_to(
    base: Path, listing: Listing, images: list[ImageRow], findings: Findings
) -> tuple[list[str], list[ImageRow]]:
    """Return the class names and images of the version ``base``, unchanged, followed by the upload's.

    Classes are matched by name. Raises InputError if the upload is for another task, or brings nothing new:
    every image already exists with the same label.
    """
    with Index(base) as before:
        if before.task != listing.task:
            raise InputError(
                msg(
                    "The dataset is a {task} set and the upload is a {other} set: upload it as a "
                    "dataset of its own.",
                    task=before.task,
                    other=listing.task,
                )
            )
        there, class_names = list(before.all()), list(before.class_names)
    _join_classes(images, listing.class_names, class_names)
    known = {_identity(image) for image in there}
    new = []
    for image in images:
        if _identity(image) not in known:
            new.append(image)
            continue
        message = msg_n(
            "{count} image was in the dataset before, with the same label, and was not added again.",
            "{count} images were in the dataset before, with the same label, and were not added again.",
        )
        findings.add("info", "already-there", message, names.show(image.original))
    if not new:
        raise InputError(
            msg("All images of the upload are in the dataset already, with the same labels: nothing to add.")
        )
    return class_names, there + new


def _join_classes(images: list[ImageRow], upload_names: Sequence[str], class_names: list[str]) -> None:
    """Map the images to the ids of ``class_names``, and append its missing names."""
    for name in upload_names:
        if name not in class_names:
            class_names.append(name)
    ids = [class_names.index(name) for name in upload_names]
    for image in images:
        if image.is_unlabelled:
            continue
        if image.boxes is None:
            image.class_id = ids[image.class_id]
            continue
        for start in range(0, len(image.boxes), 5):
            image.boxes[start] = ids[int(image.boxes[start])]


def _identity(image: ImageRow) -> tuple[str, int | None, bytes]:
    return image.sha256, image.class_id, b"" if image.boxes is None else image.boxes.tobytes()
