"""What a reader makes of an upload's file names: which image belongs to which class."""

from __future__ import annotations

import dataclasses

from portal.datasets.archive import Entry

MAX_LIST_BYTES = 64 * 1024 * 1024


@dataclasses.dataclass(slots=True)
class Sample:
    """One image to read. ``split`` is "train", "val", or None where the upload gives no split."""

    entry: Entry
    class_id: int
    split: str | None = None


@dataclasses.dataclass(slots=True)
class Listing:
    """A layout understood: ``class_names[class_id]`` names a sample's class."""

    layout: str
    class_names: list[str]
    samples: list[Sample]
    split_given: bool
