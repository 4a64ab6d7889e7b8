"""Captures what Datumaro writes and reads, as the oracle of the tests in ``test_against_datumaro.py``.

    uv run --no-project --with datumaro==1.13.12 python -m tests.datasets.oracle.capture

Datumaro (MIT licence) is no dependency of the product or of its tests: it is large, and wants other versions
of what is here. Its exports lie beside this file, each as a zip, and ``truth.json`` says what Datumaro itself
reads from each of them again: the class of each image, or its boxes in pixels, and the subset. The formats
that it reads and does not write are drawn by ``tests/bench/layouts``. CreateML is left out: Datumaro takes
the middle of a box for its corner.
"""

from __future__ import annotations

import json
import shutil
import tempfile
import zipfile
from pathlib import Path
from typing import Any

import datumaro
import numpy

from tests.bench.layouts import makers
from tests.bench.layouts.upload import HEIGHT, WIDTH, Upload

HERE = Path(__file__).parent
CLASSES = ["bolt", "nut", "washer"]
SUBSETS = ("train", "train", "train", "train", "val", "val")
BOXES = ("coco_instances", "voc_detection", "yolo", "yolo_ultralytics", "cvat", "datumaro", "open_images")
LABELS = ("imagenet", "datumaro", "cvat")
IMPORTERS = {"yolo_ultralytics": "yolo"}
# Drawn by the bench: its name, and the name of Datumaro's importer.
DRAWN = {
    "coco_of_roboflow": "roboflow_coco",
    "yolo_of_roboflow": "roboflow_yolo",
    "voc_2007": "voc_detection",
}


def _items(boxes: bool) -> list[datumaro.DatasetItem]:
    items = []
    for number, subset in enumerate(SUBSETS * 2):
        coarse = numpy.random.default_rng(number).integers(0, 256, (5, 6, 3), dtype=numpy.uint8)
        values = coarse.repeat(HEIGHT // 5, axis=0).repeat(WIDTH // 6, axis=1)
        label = number % len(CLASSES)
        found: list[datumaro.Annotation] = [datumaro.Label(label)]
        if boxes:
            found = [
                datumaro.Bbox(3 + number, 4, 10 + number, 12, label=label, id=2 * number, group=2 * number)
            ]
            if number % 3 == 0:
                found.append(datumaro.Bbox(20, 18, 8, 6, label=(label + 1) % 3, id=2 * number + 1, group=0))
        media = datumaro.Image.from_numpy(data=values)
        items.append(
            datumaro.DatasetItem(f"part_{number:02d}", subset=subset, media=media, annotations=found)
        )
    return items


def _truth(folder: Path, importer: str) -> dict[str, Any]:
    """Return ``{"<subset>/<image's name>": class or boxes}`` of what Datumaro reads."""
    dataset = datumaro.Dataset.import_from(str(folder), importer)
    names = [label.name for label in dataset.categories()[datumaro.AnnotationType.label]]
    truth: dict[str, Any] = {}
    for item in dataset:
        boxes = [
            [names[row.label], *(round(float(value), 3) for value in row.get_bbox())]
            for row in item.annotations
            if row.type == datumaro.AnnotationType.bbox
        ]
        labels = [names[row.label] for row in item.annotations if row.type == datumaro.AnnotationType.label]
        truth[f"{item.subset}/{item.id.rpartition('/')[2]}"] = sorted(boxes) or labels
    return truth


def _pack(folder: Path, target: Path) -> None:
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            archive.writestr(zipfile.ZipInfo(path.relative_to(folder).as_posix()), path.read_bytes())


def _exported(kind: str, boxes: bool, folder: Path) -> None:
    dataset = datumaro.Dataset.from_iterable(_items(boxes), categories=CLASSES)
    dataset.export(str(folder), kind, save_media=True, image_ext=".png")


def _drawn(name: str, folder: Path) -> None:
    upload = Upload(name)
    makers()[name](upload)
    for path, content in upload.files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)


def main() -> None:
    truth: dict[str, dict[str, Any]] = {}
    jobs = [(f"{kind}_boxes", kind, True) for kind in BOXES]
    jobs += [(f"{kind}_labels", kind, False) for kind in LABELS]
    for name, kind, boxes in jobs:
        with tempfile.TemporaryDirectory() as folder:
            _exported(kind, boxes, Path(folder) / "set")
            truth[name] = _truth(Path(folder) / "set", IMPORTERS.get(kind, kind))
            _pack(Path(folder) / "set", HERE / f"{name}.zip")
    for name, importer in DRAWN.items():
        folder = Path(tempfile.mkdtemp())
        _drawn(name, folder)
        truth[f"drawn: {name}"] = _truth(folder, importer)
        shutil.rmtree(folder)
    text = json.dumps(truth, ensure_ascii=False, indent=1, sort_keys=True)
    (HERE / "truth.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
