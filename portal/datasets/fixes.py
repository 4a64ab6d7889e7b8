"""Where to fix a finding: links to the filtered grid, to the classes or to an upload."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.http import QueryDict
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from portal.datasets.copies import CODES
from portal.datasets.models import DatasetVersion
from workers.contract.splits import TEST, TRAIN, VAL

CLASSES_SHOWN = 10
INFO = "info"
# Findings about classes without an image in a split: which split, and which one has their images.
WITHOUT: dict[str, tuple[str, dict[str, str]]] = {
    "no-train-images": (TRAIN, {}),
    "no-val-images": (VAL, {"split": TRAIN}),
    "no-test-images": (TEST, {"split": TRAIN}),
}


@dataclass(frozen=True, slots=True)
class Fix:
    """A link and its words."""

    url: str
    words: str


def fixes(version: DatasetVersion, finding: dict[str, Any], in_grid: bool) -> list[Fix]:
    """The links of a finding; none if the portal cannot fix it, or it needs no fix."""
    code, count = finding["code"], finding["count"]
    if in_grid and code in CODES:
        return [Fix(reverse("dataset-copies", args=[version.pk, code]), _("Keep one of each"))]
    if in_grid and finding["level"] == INFO:
        return []
    if in_grid:
        words = ngettext("Fix it here: %(count)d image", "Fix them here: %(count)d images", count)
        return [Fix(_grid(version, mark=code), words % {"count": count})]
    if code in WITHOUT:
        return _classes(version, *WITHOUT[code])
    return _OTHERS[code](version) if code in _OTHERS else []


def _grid(version: DatasetVersion, **wanted: Any) -> str:
    query = QueryDict(mutable=True)
    query.update(wanted)
    return f"{reverse('dataset-images', args=[version.pk])}?{query.urlencode()}"


def _classes(version: DatasetVersion, split: str, where: dict[str, str]) -> list[Fix]:
    without = [(number, row["name"]) for number, row in enumerate(version.counts) if not row.get(split)]
    links = [
        Fix(_grid(version, class_id=number, **where), _("Move images of %(name)s") % {"name": name})
        for number, name in without[:CLASSES_SHOWN]
    ]
    return [*links, Fix(_changes(version, "split"), _("Split again"))]


def _changes(version: DatasetVersion, part: str) -> str:
    return f"{reverse('dataset-changes', args=[version.pk])}#{part}"


def _merge(version: DatasetVersion) -> list[Fix]:
    return [Fix(_changes(version, "classes"), _("Merge or rename the classes"))]


def _add(version: DatasetVersion) -> list[Fix]:
    return [Fix(f"{reverse('dataset-new')}?dataset={version.dataset_id}&mode=add", _("Add images"))]


def _draw(version: DatasetVersion) -> list[Fix]:
    return [Fix(reverse("dataset-draw", args=[version.pk]), _("Draw boxes"))]


_OTHERS: dict[str, Callable[[DatasetVersion], list[Fix]]] = {
    "class-name-collision": _merge,
    "no-boxes": _draw,
    "small-classes": _add,
    "unequal-classes": _add,
}
