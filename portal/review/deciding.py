"""What a person decides about an image of the queue."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from portal import tasks
from portal.datasets.models import Dataset, DatasetVersion
from portal.devices import releases
from portal.devices.thresholds import forgiving
from portal.review.models import Item, State
from portal.teams import audit
from workers.contract import InputError
from workers.datakit import names
from workers.datakit import tasks as labels

MOST_COLLECTED = 1000  # accepted images of a dataset that are in no version yet
MOST_BOXES = 1000
LEAST_SIDE = 1  # pixels of a box
DECIMALS = 2


class ReviewRefused(InputError):
    """A decision that cannot be; ``field`` is the field of a request that it is about."""

    def __init__(self, message: str, field: str = ""):
        super().__init__(message)
        self.field = field

    @property
    def fields(self) -> dict[str, str]:
        return {self.field: str(self)}


def newest_version(dataset: Dataset | None) -> DatasetVersion | None:
    """The version that accepted images are added to."""
    if dataset is None or dataset.deleted_at is not None:
        return None
    return dataset.versions.live().ready().order_by("-number").first()


def class_names(item: Item) -> list[str]:
    """The classes that an image can get, in their order; none without a version of its dataset."""
    version = newest_version(item.dataset)
    return version.class_names if version is not None and version.task == item.task else []


def has_boxes(item: Item) -> bool:
    return labels.get(item.task).has_boxes


def proposed(item: Item) -> Any:
    """The label that the device's prediction proposes."""
    known = releases.known(item.device, {item.release}).get(item.release) if item.device else None
    return tasks.get(item.task).label_of(item.prediction, forgiving({}, known))


def accept(item: Item, user, label: Any = None) -> Item:
    """Accept an image with ``label``, else with the boxes drawn so far, else as the device predicted it.

    ``label`` is the name of a class, or boxes. Raises ReviewRefused.
    """
    there = class_names(item)
    if not there:
        raise ReviewRefused(
            _("The dataset of this image has no version of its task that it could be added to: discard it.")
        )
    wanted = proposed(item)
    given = next((one for one in (label, item.label) if one is not None), wanted)
    clean = checked(item, given, there)
    fields = {"label": clean, "corrected": _differs(clean, wanted), "state": State.ACCEPTED}
    return _decide(item, user, "review.accept", **fields)


def _differs(label: Any, wanted: Any) -> bool:
    if isinstance(label, list):
        return sorted(label) != sorted(_settled(box) for box in wanted or [])
    return label != wanted


def discard(item: Item, user) -> Item:
    """Take an image out of the queue; it can be brought back for a day."""
    return _decide(item, user, "review.discard", state=State.DISCARDED)


def undo(item: Item, user) -> Item:
    """Bring an image back into the queue, as long as it is in no version."""
    return _decide(item, user, "review.undo", back=True, state=State.WAITING, corrected=False)


def draw(item: Item, boxes: Any) -> list[list[Any]]:
    """Keep the boxes drawn so far; the image still waits. Raises ReviewRefused."""
    clean = checked(item, boxes, class_names(item))
    Item.objects.filter(pk=item.pk, state=State.WAITING).update(label=clean)
    return clean


@transaction.atomic
def _decide(item: Item, user, verb: str, back: bool = False, **fields) -> Item:
    rows = Item.objects.select_for_update(of=("self",))
    row = rows.select_related("dataset", "device").get(pk=item.pk)
    if row.is_waiting == back or (back and not Item.objects.filter(pk=row.pk).exclude(file="").exists()):
        raise ReviewRefused(_("This image has been reviewed in the meantime: continue with the next one."))
    if back and row.version_id and not Item.objects.collected().filter(pk=row.pk).exists():
        raise ReviewRefused(_("This image is in a version already: change it there."))
    if fields["state"] == State.ACCEPTED:
        _refuse_too_many(row)
    for name, value in fields.items():
        setattr(row, name, value)
    row.decided_by, row.decided_at = (None, None) if back else (user, timezone.now())
    row.save(update_fields=[*fields, "decided_by", "decided_at"])
    audit.record(verb, row, actor=user, label=str(row), detail=_in_words(row))
    return row


def _refuse_too_many(item: Item) -> None:
    if Item.objects.collected().filter(dataset=item.dataset_id).count() >= MOST_COLLECTED:
        raise ReviewRefused(
            _("%(most)d accepted images wait already: make a version of them first.")
            % {"most": MOST_COLLECTED}
        )


def _in_words(item: Item) -> str:
    if isinstance(item.label, list):
        return ", ".join(dict.fromkeys(names.show(box[0]) for box in item.label))[:200]
    return names.show(item.label or "")


def checked(item: Item, label: Any, there: list[str]) -> Any:
    """The label as it is stored. Raises ReviewRefused."""
    if not has_boxes(item):
        if not isinstance(label, str) or label not in there:
            raise ReviewRefused(
                _("Choose one of the dataset's classes: %(names)s.")
                % {"names": ", ".join(map(names.show, there[:20]))},
                "class",
            )
        return label
    if not isinstance(label, list) or len(label) > MOST_BOXES:
        raise ReviewRefused(_("Give at most %(most)d boxes.") % {"most": MOST_BOXES}, "boxes")
    return [_box(item, box, there) for box in label]


def _box(item: Item, box: Any, there: list[str]) -> list[Any]:
    """One box within the image, in hundredths of a pixel."""
    if not (
        isinstance(box, list | tuple) and len(box) == 5 and box[0] in there and all(map(_is_number, box[1:]))
    ):
        raise ReviewRefused(
            _("A box is the name of a class, then left, top, width and height in pixels."), "boxes"
        )
    left, top, width, height = box[1:]
    right, bottom = min(left + width, item.width), min(top + height, item.height)
    left, top = max(0, left), max(0, top)
    if right - left < LEAST_SIDE or bottom - top < LEAST_SIDE:
        raise ReviewRefused(_("A box must be at least a pixel wide and high, inside the image."), "boxes")
    return _settled([box[0], left, top, right - left, bottom - top])


def _settled(box: list[Any]) -> list[Any]:
    return [box[0], *(round(float(value), DECIMALS) for value in box[1:])]


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e6
