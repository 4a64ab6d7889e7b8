"""Images of the review queue as pages show them."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any

from django.template.loader import render_to_string
from django.urls import reverse

from portal import tasks
from portal.devices import releases
from portal.devices.models import Device
from portal.devices.releases import KnownRelease
from portal.devices.thresholds import forgiving
from portal.review import deciding, rules
from portal.review.models import Item, Rule
from portal.tasks.figures import Predicted

CLASS_KEYS = "1234567890abcdefghijklmnopqrstvwyz"  # without the keys of the page itself
COLOURS = 8  # of boxes, see slipway.css
DRAWING_KEYS = 9  # the page that draws boxes needs the letters itself


@dataclass(frozen=True)
class Shown:
    """An image with what its device predicted. ``known`` is the release, None for a foreign one."""

    item: Item
    known: KnownRelease | None

    @functools.cached_property
    def view(self) -> Predicted:
        return self._view(self.item.prediction)

    @functools.cached_property
    def before(self) -> Predicted | None:
        return self._view(self.item.before) if self.item.before else None

    def _view(self, prediction: dict[str, Any]) -> Predicted:
        size = (self.item.width, self.item.height)
        return tasks.get(self.item.task).view(prediction, size, forgiving({}, self.known))

    @property
    def words(self) -> str:
        """The label in words: the boxes by name, or the class."""
        label = self.item.label
        if isinstance(label, list):
            return ", ".join(dict.fromkeys(box[0] for box in label))
        return label or ""

    @property
    def reasons(self) -> list[str]:
        return [rules.REASONS[code] for code in self.item.reasons if code in rules.REASONS]


def shown(items: list[Item]) -> list[Shown]:
    """The images, with a constant number of queries per device."""
    by_device: dict[int, list[Item]] = {}
    for item in items:
        if item.device is not None:
            by_device.setdefault(item.device_id, []).append(item)
    known = {
        pk: releases.known(rows[0].device, {row.release for row in rows}) for pk, rows in by_device.items()
    }
    return [Shown(item, known.get(item.device_id, {}).get(item.release)) for item in items]


@dataclass(frozen=True)
class Choice:
    class_id: int
    name: str
    key: str


def choices(item: Item) -> list[Choice]:
    """The classes that the image can get, each with its key; those beyond the keys have none."""
    keys = CLASS_KEYS[:DRAWING_KEYS] if deciding.has_boxes(item) else CLASS_KEYS
    names = deciding.class_names(item)
    own = {name for name in names if len(name) == 1 and name in keys}  # a class 5 has the key 5
    others = iter([key for key in keys if key not in own])
    return [
        Choice(number, name, name if name in own else next(others, "")) for number, name in enumerate(names)
    ]


def drawing(item: Item, found: list[Choice]) -> dict[str, Any]:
    """The initial state of the script that draws boxes, as ``datasets.drawing.state``."""
    ids = {one.name: one.class_id for one in found}
    proposed = deciding.proposed(item) if item.label is None else None
    return {
        "width": item.width,
        "height": item.height,
        "boxes": _rows(item.label or [], ids),
        "proposed": None if proposed is None else _rows(proposed, ids),
        "classes": [
            {"id": one.class_id, "name": one.name, "key": one.key, "colour": one.class_id % COLOURS}
            for one in found
        ],
        "save": reverse("review-boxes", args=[item.pk]),
    }


def _rows(label: list[list[Any]], ids: dict[str, int]) -> list[list[float]]:
    """Boxes with class ids; those of classes that are gone are left out."""
    return [[ids[name], *place] for name, *place in label if name in ids]


def device_panel(request, device: Device) -> str:
    """The queue of a device, for its page."""
    rule = rules.of(device)
    waiting = Item.objects.for_team(request.team).waiting().filter(device=device).count()
    context = {"device": device, "rule": rule, "waiting": waiting}
    return render_to_string("review/_of_device.html", context, request=request)


def rules_of(team) -> list[Rule]:
    return list(Rule.objects.for_team(team).select_related("device", "dataset"))
