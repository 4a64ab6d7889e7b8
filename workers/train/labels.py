"""Reads the labels of a classifier's staged dataset. Standard library only."""

from __future__ import annotations

from pathlib import Path

from workers.contract import InputError
from workers.contract.messages import msg
from workers.train.parameters import UNLABELLED


def read_labels(listing: Path, num_classes: int, partly: bool = False) -> list[tuple[str, int]]:
    """Return (image path in the dataset, class id) of each line of a split's list.

    ``partly``: some lines are those of unlabelled images (``methods/mixing.py``), which are left out. Raises
    InputError.
    """
    if not listing.is_file():
        raise InputError(
            msg("The data set has no {name}: upload it again as a new version.", name=listing.name)
        )
    pairs = []
    for number, line in enumerate(listing.read_text(encoding="utf-8").splitlines(), start=1):
        if not line.strip():
            continue
        image, _, label = line.strip().rpartition(" ")
        if partly and label == str(UNLABELLED):
            continue
        if not image or not label.isdecimal() or int(label) >= num_classes:
            raise InputError(
                msg(
                    "Line {number} of {name} is not an image and a class from 0 to {last}: upload "
                    "the data set again as a new version.",
                    number=number,
                    name=listing.name,
                    last=num_classes - 1,
                )
            )
        pairs.append((image, int(label)))
    if not pairs:
        raise InputError(
            msg("The data set has no images in {name}: add images and upload it again.", name=listing.name)
        )
    return pairs


def read_images(listing: Path) -> list[str]:
    """Return the image path in the dataset of each line of a split's list, labelled or not."""
    lines = map(str.strip, listing.read_text(encoding="utf-8").splitlines())
    return [line.rpartition(" ")[0] for line in lines if line]
