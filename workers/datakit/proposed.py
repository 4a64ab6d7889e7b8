"""What a model proposed for an image, kept beside the labels that people made of it.

It stays with the image in later versions, so that each of them says which labels a model proposed: a label
that equals a proposal was accepted, one over its place was corrected, any other is a person's own.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Protocol

from .scoring.matching import IOU, iou

ACCEPTED, CORRECTED, OWN = "accepted", "corrected", ""
ROUNDING = 0.02  # pixels: boxes are stored to a hundredth
Row = Sequence[float]  # class id, left, top, width, height


@dataclasses.dataclass(frozen=True, slots=True)
class Proposed:
    """The model's name and id, and its boxes; None where it proposed a class, or before they were kept."""

    by: str
    model: int
    boxes: list[list[float]] | None = None

    @classmethod
    def from_row(cls, row: Mapping[str, Any] | None) -> Proposed | None:
        """From its row in an index."""
        if row is None:
            return None
        return cls(row["name"], row["model"], None if row["boxes"] is None else json.loads(row["boxes"]))

    def origins(self, boxes: Sequence[Row]) -> list[str]:
        """What became of a proposal in each of an image's boxes: one of the constants above."""
        free = list(self.boxes or ())
        found = [ACCEPTED if _take(free, box, _equals) else OWN for box in boxes]
        return [
            CORRECTED if origin == OWN and _take(free, box, _overlaps) else origin
            for origin, box in zip(found, boxes, strict=True)
        ]

    def renumbered(self, class_ids: Mapping[int, int]) -> Proposed:
        """With the classes of another version; boxes of classes that are gone are left out."""
        if self.boxes is None:
            return self
        kept = [[class_ids[int(box[0])], *box[1:]] for box in self.boxes if int(box[0]) in class_ids]
        return dataclasses.replace(self, boxes=kept)


def _take(free: list[list[float]], box: Row, fits: Callable[[Row, Row], bool]) -> bool:
    """Take the first proposal that fits the box out of ``free``."""
    for place, other in enumerate(free):
        if fits(box, other):
            del free[place]
            return True
    return False


def _equals(box: Row, other: Row) -> bool:
    return box[0] == other[0] and all(abs(a - b) < ROUNDING for a, b in zip(box[1:], other[1:], strict=True))


def _overlaps(box: Row, other: Row) -> bool:
    return iou(box[1:], other[1:]) >= IOU


class Labelled(Protocol):
    """An image of a version, see ``index.ImageRow``."""

    id: int
    proposed: Proposed | None
    boxes: Any

    def box_rows(self) -> list[list[float]]: ...


def proposed_rows(images: Iterable[Labelled]) -> Iterator[tuple[int, int, str, str | None]]:
    """The rows of an index: image, model, name, boxes as JSON."""
    for image in images:
        if image.proposed is not None:
            boxes = image.proposed.boxes
            yield (
                image.id,
                image.proposed.model,
                image.proposed.by,
                None if boxes is None else json.dumps(boxes),
            )


def summary(images: Iterable[Labelled]) -> list[dict[str, Any]]:
    """``{"model", "name", "images", "accepted", "corrected"}`` for each model, most images first.

    ``accepted`` and ``corrected`` count boxes; in a set of whole images, the images themselves.
    """
    found: dict[int, dict[str, Any]] = {}
    for image in images:
        proposed = image.proposed
        if proposed is None:
            continue
        new = {"model": proposed.model, "name": proposed.by, "images": 0, ACCEPTED: 0, CORRECTED: 0}
        row = found.setdefault(proposed.model, new)
        row["images"] += 1
        origins = [ACCEPTED] if image.boxes is None else proposed.origins(image.box_rows())
        for origin in (ACCEPTED, CORRECTED):
            row[origin] += origins.count(origin)
    return sorted(found.values(), key=lambda row: (-row["images"], row["model"]))
