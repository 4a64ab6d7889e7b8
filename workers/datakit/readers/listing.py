"""The output of a reader: the class of each image, or its boxes."""

from __future__ import annotations

import dataclasses
from array import array

from workers.datakit import tasks
from workers.datakit.archive import Entry
from workers.datakit.tasks import CLASSIFICATION, DETECTION

__all__ = ["CLASSIFICATION", "DETECTION", "MAX_LIST_BYTES", "Listing", "Sample"]

MAX_LIST_BYTES = 64 * 1024 * 1024


@dataclasses.dataclass(slots=True)
class Sample:
    """One image to read. ``split`` is "train", "val", "test", or None if the upload gives no split.

    ``class_id`` is for classification; None is an image without a class. For detection, ``boxes`` holds five
    numbers per box, flat: class id, left, top, width, height, as written (a width may be negative, a number
    NaN); ``declared`` is the image's width and height according to the annotation, or None.
    """

    entry: Entry
    class_id: int | None = None
    split: str | None = None
    boxes: array[float] | None = None
    declared: tuple[int, int] | None = None


@dataclasses.dataclass(slots=True)
class Listing:
    """A parsed upload: ``class_names[class_id]`` names a sample's class, or a box's.

    ``fractions``: boxes are given as fractions of the image's width and height instead of pixels;
    ``upright``: they are drawn on the image with its EXIF rotation applied.
    """

    layout: str
    class_names: list[str]
    samples: list[Sample]
    split_given: bool
    task: str = CLASSIFICATION
    fractions: bool = False
    upright: bool = False

    @property
    def has_boxes(self) -> bool:
        return tasks.get(self.task).has_boxes
