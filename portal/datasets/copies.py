"""Duplicates and near duplicates of a version side by side, so that a person keeps one of each."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from portal.core.numbers import whole_number
from portal.datasets.grid import GridImage
from workers.datakit.changes import Plan
from workers.datakit.duplicates import near_pairs
from workers.datakit.index import Filter, ImageRow, Index

CODES = (
    "near-copy", "near-copy-in-both-splits", "copy-in-class", "copy-in-both-splits", "copy-in-two-classes",
)  # fmt: skip
LOOKED_AT = 2000  # images with the finding that are grouped at a time
SHOWN = 50  # groups on a page


@dataclass(frozen=True, slots=True)
class Group:
    """Similar images. ``kept`` is the suggested one; None if they disagree about the class."""

    images: list[GridImage]
    kept: int | None

    @property
    def key(self) -> str:
        """The name of the field that says which one is kept."""
        return f"keep-{self.images[0].row.id}"

    @property
    def ids(self) -> set[int]:
        return {image.row.id for image in self.images}


def groups(index: Index, plan: Plan, code: str) -> list[Group]:
    """The first groups of images with the finding ``code`` that the draft has not removed yet."""
    rows = index.page(Filter(mark=code), 0, LOOKED_AT)
    left = [row for row in rows if not plan.now(row).removed]
    found = [some for some in _alike(left) if len(some) > 1]
    return [_group(some, plan) for some in found[:SHOWN]]


def _group(rows: list[ImageRow], plan: Plan) -> Group:
    images = [GridImage(plan.now(row), plan) for row in rows]
    largest = max(rows, key=lambda row: (row.width * row.height, -row.id))
    agree = len({image.label for image in images}) == 1
    return Group(images, largest.id if agree else None)


def _alike(rows: list[ImageRow]) -> Iterable[list[ImageRow]]:
    """The rows in groups of equal and nearly equal images, each ordered by id."""
    leader = {row.id: row.id for row in rows}

    def find(number: int) -> int:
        while leader[number] != number:
            leader[number] = number = leader[leader[number]]
        return number

    first: dict[str, ImageRow] = {}
    pairs = [(first.setdefault(row.sha256, row), row) for row in rows]
    for one, other in [*pairs, *near_pairs(list(first.values()))]:
        low, high = sorted((find(one.id), find(other.id)))
        leader[high] = low
    found: dict[int, list[ImageRow]] = defaultdict(list)
    for row in rows:
        found[find(row.id)].append(row)
    return found.values()


def to_remove(shown: list[Group], posted: Mapping[str, str]) -> list[int]:
    """The images of the groups except the kept ones; none of a group without a choice."""
    removed: set[int] = set()
    for group in shown:
        kept = whole_number(posted.get(group.key, ""))
        if kept in group.ids:
            removed |= group.ids - {kept}
    return sorted(removed)
