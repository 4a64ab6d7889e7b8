"""Shared by the readers of detection formats: collects images with their boxes into a listing."""

from __future__ import annotations

import itertools
import math
from array import array
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from workers.contract.messages import msg, msg_n
from workers.contract.splits import TEST, VAL
from workers.datakit import names
from workers.datakit.archive import Entry
from workers.datakit.errors import InputError
from workers.datakit.findings import Findings

from .listing import DETECTION, Listing, Sample
from .noticed import unlisted_images
from .splits import kept_split, pick_split
from .upload import Upload

Box = tuple[str, float, float, float, float]  # class name, left, top, width, height


def number(value: Any) -> float:
    """Return ``value`` as a float, NaN if it is not a number: such a box is dropped later, with a finding."""
    try:
        return math.nan if isinstance(value, bool) else float(value)
    except (TypeError, ValueError, OverflowError):
        return math.nan


def size_of(width: Any, height: Any) -> tuple[int, int] | None:
    """Return a declared image size, or None if there is none."""
    numbers = number(width), number(height)
    if not all(math.isfinite(value) and 1 <= value < 1e9 for value in numbers):
        return None
    return int(numbers[0]), int(numbers[1])


def around(points: Iterable[Sequence[Any]]) -> tuple[float, float, float, float]:
    """Return left, top, width, height of the points' bounding box; NaN if one of them is invalid."""
    try:
        pairs = [(number(point[0]), number(point[1])) for point in points]
    except (TypeError, IndexError, KeyError):
        pairs = []
    if not pairs or any(math.isnan(value) for pair in pairs for value in pair):
        return (math.nan,) * 4
    left, top = min(x for x, _ in pairs), min(y for _, y in pairs)
    return left, top, max(x for x, _ in pairs) - left, max(y for _, y in pairs) - top


class BoxedImages:
    """Collects the annotated images of an upload, each once, in little memory."""

    def __init__(self, findings: Findings):
        self._findings = findings
        self._ids: dict[str, int] = {}
        self._samples: dict[str, Sample] = {}
        self._called: dict[str, str] | None = None  # by the name in the annotations
        self.used: set[str] = set()

    def _class_id(self, name: str) -> int:
        known = self._ids.get(name)
        if known is None:
            checked = names.check_class_name(name)
            known = self._ids[name] = self._ids.setdefault(checked, len(self._ids))
            self.used.add(checked)
        return known

    def add(
        self, entry: Entry, split: str | None, boxes: Iterable[Box], declared: tuple[int, int] | None = None
    ) -> None:
        """Add an image; a repeated one keeps its first boxes, and is used for validation if either is."""
        flat = array("d")
        for name, *place in boxes:
            flat.extend((self._class_id(name), *place))
        known = self._samples.get(entry.path)
        if known is None:
            self._samples[entry.path] = Sample(entry, split=split, boxes=flat, declared=declared)
            return
        shown = names.show(entry.path)
        self._findings.add("warn", "annotated-twice", _TWICE, shown)
        if not known.boxes:
            known.boxes, known.declared = flat, declared
        if {VAL, TEST} & {known.split, split}:
            known.split = kept_split(known.split, split)

    def rename(self, called: Mapping[str, str]) -> None:
        """Rename the classes; boxes of a class that is not in ``called`` are dropped."""
        self._called = {name: names.check_class_name(called[name]) for name in self.used if name in called}
        self.used = set(self._called.values())

    def listing(
        self,
        upload: Upload,
        layout: str,
        class_order: Sequence[str] = (),
        fractions: bool = False,
        upright: bool = False,
    ) -> Listing:
        """Return the listing. Classes are in ``class_order``, others after them in natural order.

        Classes without boxes are dropped. Raises InputError if there is no image or no box at all.
        """
        self._refuse_nothing(layout)
        given = [name for name in dict.fromkeys(map(names.check_class_name, class_order))]
        for name in given:
            if name not in self.used:
                message = msg_n(
                    "{count} class has no box and was left out.",
                    "{count} classes have no box and were left out.",
                )
                self._findings.add("warn", "unused-categories", message, names.show(name))
        order = [name for name in given if name in self.used]
        order += sorted(self.used.difference(order), key=names.natural_key)
        self._renumber(order)
        unlisted_images(self._findings, upload, self._samples)
        samples, split_given = pick_split(
            list(self._samples.values()), self._findings, upload.options.split_of
        )
        return Listing(layout, order, samples, split_given, DETECTION, fractions, upright)

    def _refuse_nothing(self, layout: str) -> None:
        if not self._samples:
            raise InputError(
                msg(
                    "None of the images that the {layout} annotations name is in the upload: pack the images "
                    "together with the annotations.",
                    layout=layout,
                )
            )
        if not self.used:
            raise InputError(
                msg(
                    "The {layout} annotations hold no box that can be used: check that the export has "
                    "boxes, or choose another format.",
                    layout=layout,
                )
            )

    def _renumber(self, order: list[str]) -> None:
        positions = {name: position for position, name in enumerate(order)}
        called = self._called if self._called is not None else {name: name for name in self.used}
        new_ids = {self._ids[written]: positions[name] for written, name in called.items()}
        some_go = len(new_ids) < len(set(self._ids.values()))
        for sample in self._samples.values():
            if some_go:
                sample.boxes = _of_classes(sample.boxes, new_ids)
            for index in range(0, len(sample.boxes), 5):
                sample.boxes[index] = new_ids[int(sample.boxes[index])]


def _of_classes(boxes: array[float], ids: Mapping[int, int]) -> array[float]:
    kept = (boxes[at : at + 5] for at in range(0, len(boxes), 5) if int(boxes[at]) in ids)
    return array("d", itertools.chain.from_iterable(kept))


_TWICE = msg_n(
    "{count} image is annotated more than once; the first boxes of it were kept.",
    "{count} images are annotated more than once; the first boxes of each were kept.",
)


def report_missing(findings: Findings, *written: str, count: int | None = None) -> None:
    """Note missing images; ``written`` are the first of ``count``, or all."""
    message = msg_n(
        "{count} annotated image is missing from the upload and was left out.",
        "{count} annotated images are missing from the upload and were left out.",
    )
    for name in written:
        findings.add("warn", "missing-images", message, names.show(name))
    if count is not None and count > len(written):
        findings.add("warn", "missing-images", message, count=count - len(written))
