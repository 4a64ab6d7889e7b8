"""Makes the next version of a dataset from the accepted images."""

from __future__ import annotations

import csv
import io
import json
import tempfile
import zipfile
from collections.abc import Sequence
from pathlib import Path

from django.core.files import File
from django.db.models import Count
from django.utils.translation import gettext as _

from portal.datasets import services as datasets
from portal.datasets.models import Dataset, DatasetVersion
from portal.review import deciding
from portal.review.deciding import ReviewRefused
from portal.review.models import Item
from workers.datakit import names
from workers.datakit import tasks as labels

NAME = "from devices.zip"
MOST = 500  # images of one version
MOST_BYTES = 256 * 1024 * 1024


def collections(team) -> list[dict]:
    """The datasets with accepted images that are in no version yet, and their numbers."""
    rows = Item.objects.for_team(team).collected().order_by()
    counts = dict(rows.values_list("dataset").annotate(count=Count("pk")))
    found = Dataset.objects.for_team(team).in_bulk(list(counts))
    return [{"dataset": found[pk], "count": counts[pk]} for pk in sorted(counts) if pk in found]


def make(dataset: Dataset, user) -> DatasetVersion:
    """Queue the check of a version: the newest one with the accepted images added, split as any addition.

    At most ``MOST`` images at a time; the rest stay accepted. Raises ReviewRefused, QuotaReached.
    """
    base = deciding.newest_version(dataset)
    rows = Item.objects.for_team(dataset.team).collected().filter(dataset=dataset).order_by("pk")
    items = _within_bounds(rows.filter(task=base.task)[:MOST]) if base is not None else []
    if base is None or not items:
        raise ReviewRefused(_("There are no accepted images for this dataset: review some first."), "dataset")
    _refuse_lost_classes(items, base)
    has_boxes = labels.get(base.task).has_boxes
    with tempfile.TemporaryFile() as archive:
        sources = _write(archive, items, base, has_boxes)
        archive.seek(0)
        # Read as it is written, however the dataset's own uploads were read.
        options = {"mode": "add", "fresh": True, "layout": "coco" if has_boxes else "csv", "sources": sources}
        upload = File(archive, NAME)
        version = datasets.create_version(dataset.team, user, dataset.name, upload, options)
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


def _write(target, items: list[Item], base: DatasetVersion, has_boxes: bool) -> dict[str, dict[str, str]]:
    """Write the upload; return where each of its images came from, by path."""
    paths = {item.pk: f"images/device-{item.pk:06d}{Path(item.file.name).suffix}" for item in items}
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
        for item in items:
            with item.file.open("rb") as stream:
                archive.writestr(zipfile.ZipInfo(paths[item.pk]), stream.read())
        if has_boxes:
            archive.writestr(zipfile.ZipInfo("annotations.json"), _coco(items, paths, base))
        else:
            archive.writestr(zipfile.ZipInfo("labels.csv"), _table(items, paths))
    return {paths[item.pk]: _source(item) for item in items}


def _source(item: Item) -> dict[str, str]:
    moment = item.taken_at.isoformat(timespec="seconds")
    return {"device": item.device_name, "taken_at": moment, "release": item.release}


def _table(items: list[Item], paths: dict[int, str]) -> str:
    text = io.StringIO()
    rows = ((paths[item.pk], item.label) for item in items)
    csv.writer(text, lineterminator="\n").writerows([("path", "label"), *rows])
    return text.getvalue()


def _coco(items: list[Item], paths: dict[int, str], base: DatasetVersion) -> bytes:
    ids = {name: number for number, name in enumerate(base.class_names, start=1)}
    boxes = [(item.pk, box) for item in items for box in item.label]
    found = {
        "categories": [{"id": number, "name": name} for name, number in ids.items()],
        "images": [
            {
                "id": item.pk,
                "file_name": Path(paths[item.pk]).name,
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
