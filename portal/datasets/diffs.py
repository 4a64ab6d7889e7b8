"""The differences between two versions of one dataset, for pages and the API."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings

from portal.core.files import prune
from portal.datasets import indexes
from portal.datasets.models import DatasetVersion
from workers.datakit import diffing
from workers.datakit.diffing import Changes
from workers.datakit.index import Filter, ImageRow, Index

CACHE_BYTES = 1024**3


@dataclass(frozen=True, slots=True)
class ImageState:
    """The state of an image in one of the two versions."""

    image: ImageRow
    class_name: str | None  # None in a detection dataset
    boxes: list[list] | None  # [class name, left, top, width, height] in pixels; None in any other dataset


@dataclass(frozen=True, slots=True)
class Change:
    """One changed image. ``before`` is None if it was added, ``after`` if it was removed."""

    number: int
    kind: str
    before: ImageState | None
    after: ImageState | None

    @property
    def sha256(self) -> str:
        return (self.before or self.after).image.sha256


@dataclass(frozen=True, slots=True)
class Page:
    """A page of changes. ``next`` is the ``after`` of the next page; None at the end."""

    counts: dict[str, int]
    changes: list[Change]
    next: int | None


def page(
    before: DatasetVersion, after: DatasetVersion, kind: str | None = None, start: int = 0, limit: int = 60
) -> Page:
    """Up to ``limit`` changes from ``before`` to ``after`` above ``start``, of one kind if given.

    The first request for a pair compares both versions, later ones read the result. Raises StagingError if an
    index is lost.
    """
    with indexes.opened(before) as old, indexes.opened(after) as new:
        with Changes(_listed(before, after, old, new)) as listed:
            counts, found = listed.counts(), listed.page(kind, start, limit + 1)
        shown = found[:limit]
        olds, news = (
            _image_states(old, (row[2] for row in shown)),
            _image_states(new, (row[3] for row in shown)),
        )
    changes = [Change(number, name, olds.get(one), news.get(two)) for number, name, one, two in shown]
    return Page(counts, changes, shown[-1][0] if len(found) > limit else None)


def _listed(before: DatasetVersion, after: DatasetVersion, old: Index, new: Index) -> Path:
    """The pair's list of changes in this host's cache; versions never change, so neither does the list."""
    names = [version.index.name.replace("/", "-") for version in (before, after)]
    path = Path(settings.CACHE_DIR) / "diffs" / "--".join(names)
    try:
        os.utime(path)
    except FileNotFoundError:
        diffing.write(old, new, path)
        prune(path.parent, CACHE_BYTES)
    return path


def _image_states(index: Index, ids: Iterator[int | None]) -> dict[int, ImageState]:
    wanted = tuple(number for number in ids if number is not None)
    found = index.page(Filter(ids=wanted), limit=len(wanted)) if wanted else []
    return {image.id: _image_state(image, index.class_names) for image in found}


def _image_state(image: ImageRow, names: list[str]) -> ImageState:
    if image.boxes is None:
        return ImageState(image, names[image.class_id], None)
    return ImageState(image, None, [[names[class_id], *place] for class_id, *place in image.box_rows()])
