"""The draft of a dataset: its accepted images that are in no version yet, and the version made of them.

Making a version only writes rows; its job writes the archive that the check reads.
"""

from __future__ import annotations

import csv
import io
import json
import zipfile
from collections.abc import Sequence
from pathlib import Path

from django.db import transaction
from django.db.models import Count
from django.utils.translation import gettext as _

from portal.datasets import services as datasets
from portal.datasets.models import Dataset, DatasetVersion
from portal.jobs import services as jobs
from portal.review import deciding
from portal.review.deciding import ReviewRefused
from portal.review.models import Item
from workers.contract import InputError
from workers.contract.messages import msg
from workers.datakit import names
from workers.datakit import tasks as labels

OPTION = "reviewed"  # of a version whose images are those of its ``review_items``
NAME = "from devices.zip"
MOST = 500  # images of one version
MOST_BYTES = 256 * 1024 * 1024


def collections(team) -> list[dict]:
    """The datasets with accepted images that are in no version yet, and their numbers."""
    rows = Item.objects.for_team(team).collected().order_by()
    counts = dict(rows.values_list("dataset").annotate(count=Count("pk")))
    found = Dataset.objects.for_team(team).in_bulk(list(counts))
    return [{"dataset": found[pk], "count": counts[pk]} for pk in sorted(counts) if pk in found]


def draft_of(dataset: Dataset):
    """The accepted images that the next version would get, oldest first, a query."""
    return Item.objects.for_team(dataset.team).collected().filter(dataset=dataset).order_by("pk")


@transaction.atomic
def make(dataset: Dataset, user) -> DatasetVersion:
    """Queue the check of a version: the newest one with the draft's images added, split as any addition.

    At most ``MOST`` images at a time; the rest stay in the draft. Raises ReviewRefused, QuotaReached.
    """
    jobs.refuse_if_full(dataset.team)
    Dataset.objects.select_for_update().get(pk=dataset.pk)  # two people must not add the same images
    base = deciding.newest_version(dataset)
    items = _within_bounds(draft_of(dataset).filter(task=base.task)[:MOST]) if base is not None else []
    if base is None or not items:
        raise ReviewRefused(_("There are no accepted images for this dataset: review some first."), "dataset")
    _refuse_lost_classes(items, base)
    # Read as the job writes it, however the dataset's own uploads were read.
    layout = "coco" if labels.get(base.task).has_boxes else "csv"
    sources = {path_of(item): _source(item) for item in items}
    options = {OPTION: True, "mode": "add", "fresh": True, "layout": layout, "sources": sources}
    version = datasets.upload_version(dataset.team, user, dataset.name, options, upload_name=NAME)
    Item.objects.filter(pk__in=[item.pk for item in items]).update(version=version)
    return version


def _refuse_lost_classes(items: list[Item], base: DatasetVersion) -> None:
    """Images were accepted with the classes of an earlier version; the newest may lack some."""
    used = {
        name
        for item in items
        for name in ([box[0] for box in item.label] if isinstance(item.label, list) else [item.label])
    }
    if lost := sorted(used - set(base.class_names)):
        raise ReviewRefused(
            _(
                "Images are accepted as %(name)s, which is no class of the newest version any more: bring "
                "them back and accept them as another class."
            )
            % {"name": names.show(lost[0])},
            "dataset",
        )


def _within_bounds(rows: Sequence[Item]) -> list[Item]:
    found, total = [], 0
    for item in rows:
        total += item.bytes
        if found and total > MOST_BYTES:
            break
        found.append(item)
    return found


def write(version: DatasetVersion, target: Path) -> Path:
    """Write the archive of a version's images, in its job. Raises InputError if they are gone."""
    items = list(version.review_items.exclude(file="").order_by("pk"))
    if not items:
        raise InputError(msg("The accepted images of this version are gone, or in a later one."))
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
        for item in items:
            with item.file.open("rb") as stream:
                archive.writestr(zipfile.ZipInfo(path_of(item)), stream.read())
        if version.options["layout"] == "coco":
            archive.writestr(zipfile.ZipInfo("annotations.json"), _coco(items, _classes(version, items)))
        else:
            archive.writestr(zipfile.ZipInfo("labels.csv"), _table(items))
    return target


def path_of(item: Item) -> str:
    """Its path in the archive."""
    return f"images/device-{item.pk:06d}{Path(item.file.name).suffix}"


def _classes(version: DatasetVersion, items: list[Item]) -> list[str]:
    """The dataset's classes in their order; then those of boxes that it lost since."""
    base = deciding.newest_version(version.dataset)
    names_of = {box[0] for item in items for box in item.label}
    known = base.class_names if base else []
    return [*known, *sorted(names_of - set(known))]


def _source(item: Item) -> dict[str, str]:
    moment = item.taken_at.isoformat(timespec="seconds")
    return {"device": item.device_name, "taken_at": moment, "release": item.release}


def _table(items: list[Item]) -> str:
    text = io.StringIO()
    rows = ((path_of(item), item.label) for item in items)
    csv.writer(text, lineterminator="\n").writerows([("path", "label"), *rows])
    return text.getvalue()


def _coco(items: list[Item], class_names: list[str]) -> bytes:
    ids = {name: number for number, name in enumerate(class_names, start=1)}
    boxes = [(item.pk, box) for item in items for box in item.label]
    found = {
        "categories": [{"id": number, "name": name} for name, number in ids.items()],
        "images": [
            {
                "id": item.pk,
                "file_name": Path(path_of(item)).name,
                "width": item.width,
                "height": item.height,
            }
            for item in items
        ],
        "annotations": [
            {
                "id": number,
                "image_id": image,
                "category_id": ids[name],
                "bbox": place,
                "area": round(place[2] * place[3], 2),
                "iscrowd": 0,
            }
            for number, (image, (name, *place)) in enumerate(boxes, start=1)
        ],
    }
    return json.dumps(found, ensure_ascii=False).encode()
