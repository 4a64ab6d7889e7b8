"""Whether two readings of one upload say the same of its images."""

from __future__ import annotations

import dataclasses
from collections import defaultdict

from workers.datakit import names

from .listing import DETECTION
from .reading import Reading

MAX_DIFFERING_SHOWN = 10


@dataclasses.dataclass(slots=True)
class Relation:
    """``common`` images are labelled by both; ``differ`` of them have labels that do not go together."""

    common: int
    differ: int
    examples: list[str]


def claims(reading: Reading) -> dict[str, str]:
    """Return {path of an image: its class name}; of boxes, the images that have one."""
    if reading.listing is None:
        return {}
    if reading.task == DETECTION:
        return {sample.entry.path: "" for sample in reading.samples if sample.boxes}
    class_names = reading.listing.class_names
    return {sample.entry.path: class_names[sample.class_id] for sample in reading.samples}


def relation(one: Reading, two: Reading) -> Relation:
    """Compare the labels of two readings of classes.

    Names that are alike but for case are equal, and so is every renaming that gives each class of one
    reading exactly one class of the other: ids in a list, names of folders.
    """
    first, second = claims(one), claims(two)
    common = [path for path in first if path in second]
    differing = [path for path in common if names.class_key(first[path]) != names.class_key(second[path])]
    if not differing or _is_renaming([(first[path], second[path]) for path in common]):
        return Relation(len(common), 0, [])
    examples = [
        f"{names.show(path)}: {names.show(first[path])} or {names.show(second[path])}"
        for path in sorted(differing, key=names.natural_key)[:MAX_DIFFERING_SHOWN]
    ]
    return Relation(len(common), len(differing), examples)


def _is_renaming(pairs: list[tuple[str, str]]) -> bool:
    there: dict[str, set[str]] = defaultdict(set)
    back: dict[str, set[str]] = defaultdict(set)
    for one, two in pairs:
        there[one].add(two)
        back[two].add(one)
    return all(len(found) == 1 for found in (*there.values(), *back.values()))
