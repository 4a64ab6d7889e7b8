"""Versions that are ready, with an index and a pack of real small images, without an ingest."""

from __future__ import annotations

import hashlib
import tempfile
from array import array
from pathlib import Path

from django.core.files import File
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from portal.datasets.models import Dataset, DatasetVersion, Pack
from portal.jobs.models import Job, Status
from tests.factories import png
from workers.datakit.assemble import assemble
from workers.datakit.findings import Findings
from workers.datakit.index import ImageRow

CLASS_NAMES = ["cat", "dog", "Bird"]
FIELDS = ("content_hash", "task", "class_names", "counts", "findings", "statistics", "images", "bytes")


class PackBuilder:
    """Collects image contents and the rows that point at them."""

    def __init__(self, name: str):
        self.name = name
        self.content = b""
        self.rows: list[ImageRow] = []

    def add(self, colour, size=(16, 12), **fields) -> ImageRow:
        """An image of one colour. ``fields`` are those of the row that matter."""
        picture = png(colour, size)
        number = len(self.rows)
        defaults = {
            "original": f"{number}.png", "sha256": hashlib.sha256(picture).hexdigest(), "pack": self.name,
            "start": len(self.content), "size": len(picture), "suffix": ".png", "width": size[0],
            "height": size[1], "split": "val" if number % 4 == 0 else "train", "brightness": 90.0,
            "contrast": 20.0, "sharpness": 400.0, "dhash": number,
        }  # fmt: skip
        row = ImageRow(**{**defaults, **fields})
        self.content += picture
        self.rows.append(row)
        return row


def classified(pack: PackBuilder, per_class: int = 8, class_names=CLASS_NAMES) -> None:
    """Fill a pack with images of each class, each in a colour of its own."""
    for class_id, name in enumerate(class_names):
        for number in range(per_class):
            colour = (60 * class_id % 256, 25 * number % 256, 17 * class_id % 256)
            row = pack.add(colour, class_id=class_id, original=f"{name}/{number}.png")
            row.split = "val" if number < max(1, per_class // 4) else "train"


def boxed(pack: PackBuilder, images: int = 6) -> None:
    """Fill a pack with images of 64 × 48 pixels with two boxes each, of the classes 0 and 1."""
    for number in range(images):
        boxes = array("d", [0, 4, 20, 20, 16, 1, 30, 8, 24.5, 30])
        pack.add((30, 30 * number % 256, 90), (64, 48), boxes=boxes, original=f"photos/{number}.png")


def ready_version(
    team, user, name="Pets", *, fill=classified, class_names=CLASS_NAMES, task="classification", **fields
) -> DatasetVersion:
    """A version that is ready. ``fill`` puts the images into the pack; ``fields`` are the version's."""
    dataset, _ = Dataset.objects.get_or_create(team=team, name=name, defaults={"created_by": user})
    dataset.last_number += 1
    dataset.save()
    job = Job.objects.create(
        team=team, created_by=user, kind="ingest", queue="default", status=Status.SUCCEEDED
    )
    pack = PackBuilder(f"{job.pk}-0.pack")
    fill(pack)
    return store(dataset, job, pack, class_names, task, **fields)


def store(dataset, job, pack: PackBuilder, class_names, task, **fields) -> DatasetVersion:
    with tempfile.TemporaryDirectory() as folder:
        index = Path(folder) / "index.sqlite"
        result = assemble(pack.rows, list(class_names), task, index, Findings())
        with index.open("rb") as source:
            stored = default_storage.save(f"datasets/{dataset.pk}/{job.pk}/index.sqlite", File(source))
    version = DatasetVersion.objects.create(
        **{
            "dataset": dataset, "team": dataset.team, "number": dataset.last_number, "job": job,
            "upload_name": "pets.zip", "index": stored, "layout": "class folders", "split": "stratified",
            "train_images": result["train"], "val_images": result["val"], "test_images": result["test"],
            **{field: result[field] for field in FIELDS}, **fields,
        }
    )  # fmt: skip
    file = default_storage.save(f"datasets/{dataset.pk}/{job.pk}/{pack.name}", ContentFile(pack.content))
    facts = {"images": len(pack.rows), "bytes": len(pack.content)}
    version.packs.add(Pack.objects.create(dataset=dataset, name=pack.name, file=file, **facts))
    return version
