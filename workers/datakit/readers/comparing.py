"""Whether two readings of one upload agree about its images."""

from __future__ import annotations

import dataclasses
from collections import defaultdict

from workers.contract.messages import msg
from workers.datakit import names

from .listing import Listing, Sample
from .reading import Reading

MAX_DIFFERING_SHOWN = 10
# Formats count pixels from 0 or from 1, and round.
PIXELS_APART = 2.0
FRACTION_APART = 0.01


@dataclasses.dataclass(slots=True)
class Relation:
    """``common`` images are labelled by both; ``differ`` of them have incompatible labels."""

    common: int
    differ: int
    examples: list[str]


def claims(reading: Reading) -> dict[str, str]:
    """Return {image path: class name}; for boxes, all classes on the image."""
    if reading.listing is None:
        return {}
    if reading.has_boxes:
        boxed = (sample for sample in reading.samples if sample.boxes)
        return {sample.entry.path: _kinds(sample, reading.listing) for sample in boxed}
    class_names = reading.listing.class_names
    return {sample.entry.path: class_names[sample.class_id] for sample in reading.samples}


def relation(one: Reading, two: Reading) -> Relation:
    """Compare the labels of two readings of one task.

    Names that differ only in case are equal, and so is a one-to-one renaming of the classes: ids in a list,
    names of folders.
    """
    first, second = claims(one), claims(two)
    common = [path for path in first if path in second]
    differing = [path for path in common if names.class_key(first[path]) != names.class_key(second[path])]
    if not differing or _is_renaming([(first[path], second[path]) for path in common]):
        return Relation(len(common), 0, [])
    examples = [
        msg(
            "{path}: {first} or {second}",
            path=names.show(path),
            first=names.show(first[path]),
            second=names.show(second[path]),
        )
        for path in sorted(differing, key=names.natural_key)[:MAX_DIFFERING_SHOWN]
    ]
    return Relation(len(common), len(differing), examples)


def boxes_agree(one: Reading, two: Reading) -> bool:
    """Whether two readings have the same boxes on every image, in any order.

    Coordinates are compared if both use one unit, or one of them gives the image's size.
    """
    others = {sample.entry.path: sample for sample in two.samples if sample.boxes}
    mine = [sample for sample in one.samples if sample.boxes]
    if len(mine) != len(others) or relation(one, two).differ:
        return False
    return all(
        sample.entry.path in others
        and _same_places(sample, one.listing, others[sample.entry.path], two.listing)
        for sample in mine
    )


def _kinds(sample: Sample, listing: Listing) -> str:
    return ", ".join(sorted(listing.class_names[int(class_id)] for class_id in sample.boxes[::5]))


def _same_places(one: Sample, first: Listing, two: Sample, second: Listing) -> bool:
    size = one.declared or two.declared
    if first.fractions != second.fractions and size is None:
        return True
    unit = (1.0, 1.0) if size is None else size
    places, others = _places(one, first, unit), _places(two, second, unit)
    apart = PIXELS_APART if size is not None or not first.fractions else FRACTION_APART
    return len(places) == len(others) and all(
        any(all(abs(a - b) <= apart for a, b in zip(place, other, strict=True)) for other in others)
        for place in places
    )


def _places(sample: Sample, listing: Listing, unit: tuple[float, float]) -> list[tuple[float, ...]]:
    wide, high = unit if listing.fractions else (1.0, 1.0)
    flat = sample.boxes
    return [
        (flat[at] * wide, flat[at + 1] * high, flat[at + 2] * wide, flat[at + 3] * high)
        for at in range(1, len(flat), 5)
    ]


def _is_renaming(pairs: list[tuple[str, str]]) -> bool:
    there: dict[str, set[str]] = defaultdict(set)
    back: dict[str, set[str]] = defaultdict(set)
    for one, two in pairs:
        there[one].add(two)
        back[two].add(one)
    # A name used by both must mean the same: swapped classes are not a renaming.
    shared = there.keys() & back.keys()
    return all(there[name] == {name} for name in shared) and all(
        len(found) == 1 for found in (*there.values(), *back.values())
    )
