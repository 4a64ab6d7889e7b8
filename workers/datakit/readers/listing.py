"""What a reader makes of an upload: which image belongs to which class, or which boxes lie on it."""

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
    """One image to read. ``split`` is "train", "val", "test", or None where the upload gives no split.

    ``class_id`` is for classification; None is an image without a class. For detection, ``boxes`` holds five
    numbers a box, flat: class id,
    left, top, width, height, as they were written (a width may be below nothing, a number NaN);
    ``declared`` is the image's width and height as the annotation tells them, or None.
    """

    entry: Entry
    class_id: int | None = None
    split: str | None = None
    boxes: array[float] | None = None
    declared: tuple[int, int] | None = None


@dataclasses.dataclass(slots=True)
class Listing:
    """A layout understood: ``class_names[class_id]`` names a sample's class, or a box's.

    ``fractions`` says that boxes are given as parts of the image's width and height rather than in
    pixels; ``upright``, that they are drawn on the image as its EXIF rotation shows it.
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
