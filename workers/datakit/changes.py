"""Applies a list of changes to a version's images. No Django: pages and the revise program use it.

A change is a kind and a payload (see ``KINDS``). Class ids and image ids are always those of the base
version, whatever earlier changes did; filters match the base's values. So a change means the same on a page
of sixty images and in the program that processes all of them, and "every image that matches the filter" is
stored as the filter. Added classes have the ids after the base's, in order.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable
from typing import Any

from workers.contract.splits import TRAIN

from .index import Filter, ImageRow
from .proposed import Proposed

# kind: the keys of its payload. ``images`` is {"ids": [..]} or {"filter": {..}}, see ``wanted_images``.
KINDS = {
    "relabel": ("images", "class_id"),  # in a detection dataset also ``from``: the boxes of that class
    "split": ("images", "split"),
    "remove": ("images",),
    "keep": ("images",),  # undoes a removal
    "rename": ("class_id", "name"),
    "merge": ("class_id", "into"),
    "drop": ("class_id",),  # removes the class with its images or boxes
    # "stratified" with ``seed``, ``val_fraction`` and ``test_fraction``; "group", also with ``pattern``;
    # "test" with ``seed`` and ``test_fraction``, which draws a test split from the training images only
    "resplit": ("how",),
    "relabel-box": ("image", "box", "class_id"),  # ``box`` is its position among the remaining boxes, from 0
    "remove-box": ("image", "box"),
    # Replaces all boxes of an image: [class id, left, top, width, height]. Where they correct a model's
    # proposal, also its name ``by``, its id ``model`` and the boxes ``proposed``.
    "boxes": ("image", "boxes"),
    "add-class": ("name",),
    # Accepted proposals by image id (a class id, or all boxes), with the model's name and id.
    "accept": ("labels", "by", "model"),
    "reject": ("images",),  # leaves their labels unchanged
}
ONLY_TEST = "test"  # draws only a test split; training and validation exist
ANEW = "anew"  # the split of an image that is to be split again
_FILTER = ("class_id", "split", "mark", "text", "unlabelled")
_LOWER = str.maketrans({chr(code): chr(code + 32) for code in range(ord("A"), ord("Z") + 1)})


@dataclasses.dataclass(slots=True)
class Box:
    """A box after the changes; ``was`` is its class in the base, None for a new one."""

    number: int
    class_id: int
    place: tuple[float, float, float, float]
    was: int | None
    removed: bool = False


@dataclasses.dataclass(frozen=True, slots=True)
class Accepted:
    """What a model proposed for an image; ``corrected``: a person changed the labels later."""

    proposed: Proposed
    corrected: bool = False

    @property
    def by(self) -> str:
        return self.proposed.by


@dataclasses.dataclass(slots=True)
class EditedImage:
    """An image after the changes. ``class_id`` and those of boxes are the base's."""

    row: ImageRow
    class_id: int | None
    split: str
    removed: bool = False
    boxes: list[Box] = dataclasses.field(default_factory=list)
    accepted: Accepted | None = None

    @property
    def is_relabelled(self) -> bool:
        return self.class_id != self.row.class_id

    @property
    def is_moved(self) -> bool:
        return self.split != self.row.split

    @property
    def boxes_changed(self) -> bool:
        """Whether a box was drawn, moved, removed or relabelled."""
        return sorted(self.box_rows()) != sorted(self.row.box_rows())

    def box_rows(self) -> list[list[float]]:
        """The remaining boxes as ``[class id, left, top, width, height]``."""
        return [[box.class_id, *box.place] for box in self.boxes if not box.removed]

    @property
    def is_changed(self) -> bool:
        return self.removed or self.is_relabelled or self.is_moved or self.boxes_changed


Step = Callable[[EditedImage], None]


class Plan:
    """The changes of a draft, applicable to any image of the base.

    ``names`` are the class names by id, None for a class that was merged into another or dropped;
    ``first_names`` are the base's, and those of added classes at the time.
    """

    def __init__(self, class_names: list[str], changes: Iterable[tuple[str, dict[str, Any]]]):
        self.names: list[str | None] = list(class_names)
        self.first_names = list(class_names)
        self.resplit: dict[str, Any] | None = None
        self._merged: dict[int, int] = {}
        self._for_all: list[tuple[int, Step]] = []
        self._by_image: dict[int, list[tuple[int, Step]]] = {}
        self.length = 0
        for number, (kind, payload) in enumerate(changes):
            self._take(number, kind, payload)
            self.length += 1

    def _take(self, number: int, kind: str, payload: dict[str, Any]) -> None:
        if kind == "accept":
            for image, label in payload["labels"].items():
                step = _accept(label, payload["by"], payload.get("model", 0))
                self._by_image.setdefault(int(image), []).append((number, step))
        step = self._class_step(kind, payload) or _image_step(kind, payload)
        if step is None:
            return
        images = payload.get("images") or ({"ids": [payload["image"]]} if "image" in payload else None)
        if images is None:
            self._for_all.append((number, step))
        elif "ids" in images:
            for image in images["ids"]:
                self._by_image.setdefault(image, []).append((number, step))
        else:
            wanted = wanted_images(images)
            self._for_all.append((number, lambda now: step(now) if matches(now.row, wanted) else None))

    def _class_step(self, kind: str, payload: dict[str, Any]) -> Step | None:
        """Apply the change to the class itself; return the step for its images."""
        if kind == "rename":
            self.names[payload["class_id"]] = payload["name"]
        elif kind == "merge":
            self.names[payload["class_id"]] = None
            self._merged[payload["class_id"]] = payload["into"]
            return _merge(payload["class_id"], payload["into"])
        elif kind == "drop":
            self.names[payload["class_id"]] = None
        elif kind == "add-class":
            self.names.append(payload["name"])
            self.first_names.append(payload["name"])
        elif kind == "resplit":
            self.resplit = payload
            return _set_split(ANEW, only=TRAIN if payload["how"] == ONLY_TEST else None)
        return None

    def now(self, row: ImageRow) -> EditedImage:
        """The base's image ``row`` after all changes, in order."""
        now = EditedImage(row, row.class_id, row.split)
        now.boxes = _boxes(row.box_rows(), row.box_rows())
        own = self._by_image.get(row.id, [])
        steps = sorted([*self._for_all, *own], key=lambda pair: pair[0]) if own else self._for_all
        for _, step in steps:
            step(now)
        self._remove_what_has_no_class(now)
        return now

    def _remove_what_has_no_class(self, now: EditedImage) -> None:
        if now.class_id is not None and self.names[now.class_id] is None:
            now.removed = True
        for box in now.boxes:
            if self.names[box.class_id] is None:
                box.removed = True

    def class_names(self) -> list[str]:
        """The names of the remaining classes, in order."""
        return [name for name in self.names if name is not None]

    def new_ids(self) -> dict[int, int]:
        """From base class ids to ids in the new version, for the remaining classes."""
        left = [class_id for class_id, name in enumerate(self.names) if name is not None]
        return {class_id: new for new, class_id in enumerate(left)}

    def new_ids_of_proposed(self) -> dict[int, int]:
        """The same, with those of classes that were merged into others."""
        ids = self.new_ids()
        for class_id in self._merged:
            into = class_id
            while into in self._merged and into not in ids:
                into = self._merged[into]
            if into in ids:
                ids[class_id] = ids[into]
        return ids


def _image_step(kind: str, payload: dict[str, Any]) -> Step | None:
    if kind == "relabel":
        return _relabel(payload.get("from"), payload["class_id"])
    if kind == "split":
        return _set_split(payload["split"])
    if kind in ("remove", "keep"):
        return _set_removed(kind == "remove")
    if kind == "relabel-box":
        return _on_box(payload["box"], lambda box: setattr(box, "class_id", payload["class_id"]))
    if kind == "remove-box":
        return _on_box(payload["box"], lambda box: setattr(box, "removed", True))
    if kind == "boxes":
        return _draw(payload["boxes"], _corrected(payload))
    return None


def _boxes(drawn: list[list[float]], base: list[list[float]]) -> list[Box]:
    """``drawn`` as boxes, each with the class of the base's box at the same place."""
    was = {tuple(place): int(class_id) for class_id, *place in base}
    places = ((int(class_id), tuple(place)) for class_id, *place in drawn)
    return [Box(number, class_id, place, was.get(place)) for number, (class_id, place) in enumerate(places)]


def _corrected(payload: dict[str, Any]) -> Proposed | None:
    """The proposal that drawn boxes correct."""
    by = payload.get("by")
    return Proposed(by, payload.get("model", 0), payload.get("proposed")) if by else None


def _draw(drawn: list[list[float]], proposed: Proposed | None) -> Step:
    """``proposed`` is the proposal that this corrects."""

    def step(now: EditedImage) -> None:
        now.boxes = _boxes(drawn, now.row.box_rows())
        if proposed:
            now.accepted = Accepted(proposed, corrected=True)
        _correct(now)

    return step


def _accept(label: int | list[list[float]], by: str, model: int) -> Step:
    def step(now: EditedImage) -> None:
        if now.row.boxes is None:
            now.class_id = label
        else:
            now.boxes = _boxes(label, now.row.box_rows())
        now.accepted = Accepted(Proposed(by, model, label if isinstance(label, list) else None))

    return step


def _correct(now: EditedImage) -> None:
    """The boxes of an image were changed by hand; a class set by hand is not a proposal."""
    if now.accepted is not None:
        found = dataclasses.replace(now.accepted, corrected=True)
        now.accepted = found if now.row.boxes is not None else None


def _relabel(old: int | None, new: int) -> Step:
    def step(now: EditedImage) -> None:
        if now.row.boxes is None:
            now.class_id = new
        for box in now.boxes:
            if old is None or box.class_id == old:
                box.class_id = new
        _correct(now)

    return step


def _merge(old: int, new: int) -> Step:
    def step(now: EditedImage) -> None:
        if now.class_id == old:
            now.class_id = new
        for box in now.boxes:
            if box.class_id == old:
                box.class_id = new

    return step


def _set_split(split: str, only: str | None = None) -> Step:
    """Move an image to a split; with ``only``, only from that split."""

    def step(now: EditedImage) -> None:
        if only is None or now.split == only:
            now.split = split

    return step


def _set_removed(removed: bool) -> Step:
    def step(now: EditedImage) -> None:
        now.removed = removed

    return step


def _on_box(number: int, act: Callable[[Box], None]) -> Step:
    def step(now: EditedImage) -> None:
        if number < len(now.boxes):
            act(now.boxes[number])
            _correct(now)

    return step


def wanted_images(images: dict[str, Any]) -> Filter:
    """The filter for a payload's ``images``."""
    if "ids" in images:
        return Filter(ids=tuple(images["ids"]))
    sides = images["filter"]
    return Filter(**{key: sides[key] for key in _FILTER if sides.get(key) is not None})


def as_images(wanted: Filter) -> dict[str, Any]:
    """The inverse: what to store for "every image that matches the filter"."""
    if wanted.ids is not None:
        return {"ids": list(wanted.ids)}
    sides = {key: getattr(wanted, key) for key in _FILTER}
    return {
        "filter": {
            key: value for key, value in sides.items() if value not in (None, "") and value is not False
        }
    }


def matches(row: ImageRow, wanted: Filter) -> bool:
    """Whether ``Index.page(wanted)`` would return ``row``. SQLite's lower() handles ASCII only."""
    if wanted.class_id is not None and not _has_class(row, wanted.class_id):
        return False
    if wanted.split is not None and row.split != wanted.split:
        return False
    if wanted.mark is not None and wanted.mark not in row.marks:
        return False
    if wanted.unlabelled and (row.class_id is not None or row.boxes):
        return False
    if wanted.text and wanted.text.translate(_LOWER) not in row.original.translate(_LOWER):
        return False
    return wanted.ids is None or row.id in wanted.ids


def _has_class(row: ImageRow, class_id: int) -> bool:
    return row.class_id == class_id if row.boxes is None else class_id in row.boxes[::5]
