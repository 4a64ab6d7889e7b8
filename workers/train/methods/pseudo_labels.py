"""Distillation of detectors: the teacher draws the boxes of unlabelled images, the student learns from them.

A box counts from the score that separates right from wrong boxes best on the validation images. Images on
which the teacher finds nothing are left out: what it missed would count as background.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

from workers.contract import InputError
from workers.contract.messages import msg
from workers.contract.splits import TRAIN, VAL
from workers.datakit import coco_json
from workers.datakit.decoding import detector
from workers.datakit.scoring.detection import best_threshold
from workers.train.evaluation import normalised, onnx_runner, read_size

Box = dict[str, Any]
Predict = Callable[[Path], tuple[tuple[int, int], list[Box]]]  # of an image: (width, height), boxes
MOST_MEASURED = 500  # validation images that decide the score
IMAGES, MORE = "images", "more-"


def teacher(onnx: Path, facts: dict[str, Any], classes: int) -> Predict:
    """Return a function that predicts an image's boxes with a detector's ONNX file.

    ``facts`` has its ``input_size``, ``mean`` and ``std``. The function raises InputError if the detector
    knows another number of classes.
    """
    run, size = onnx_runner(onnx), tuple(facts["input_size"])

    def predict(path: Path) -> tuple[tuple[int, int], list[Box]]:
        outputs = run(normalised([path], size, facts["mean"], facts["std"])[0])
        if (known := outputs[0].shape[1]) != classes:
            sentence = msg(
                "The teacher knows {known} classes and the dataset has {classes}: choose a model of the same "
                "ones.",
                known=known,
                classes=classes,
            )
            raise InputError(sentence)
        own = read_size(path)
        return own, detector.decode([output[0] for output in outputs], size, own)

    return predict


def join(dataset: Path, unlabelled: Path, target: Path, predict: Predict, classes: int) -> int:
    """Create ``target``: ``dataset`` with the images of ``unlabelled`` that ``predict`` finds boxes on.

    Return the number of added images. Both are staged datasets. Raises InputError if the teacher finds
    nothing right, or no box on any further image.
    """
    least = _score(dataset, predict, classes)
    shutil.copytree(dataset / "annotations", target / "annotations")
    (target / IMAGES).mkdir()
    for path in (dataset / IMAGES).iterdir():
        (target / IMAGES / path.name).symlink_to(path.resolve())
    for listing in dataset.glob("*.txt"):
        shutil.copyfile(listing, target / listing.name)
    annotations = target / coco_json.STAGED.format(TRAIN)
    content = json.loads(annotations.read_text(encoding="utf-8"))
    added = _add(content, unlabelled, target, predict, least)
    if not added:
        raise InputError(msg("The teacher finds nothing on the images without labels: choose other ones."))
    annotations.write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")
    return added


def _score(dataset: Path, predict: Predict, classes: int) -> float:
    rows = coco_json.read_staged(dataset, VAL, classes)[:MOST_MEASURED]
    measured = [{**row, "boxes": predict(dataset / row["image"])[1]} for row in rows]
    least = best_threshold(measured)
    if not any(box["score"] >= least for row in measured for box in row["boxes"]):
        raise InputError(msg("The teacher finds nothing on the validation images: choose another one."))
    return least


def _add(content: dict[str, Any], unlabelled: Path, target: Path, predict: Predict, least: float) -> int:
    """Add images with their boxes to an annotation file's content; return their number."""
    images = count(1 + max((one["id"] for one in content["images"]), default=0))
    boxes = count(1 + max((one["id"] for one in content["annotations"]), default=0))
    added = 0
    for path in sorted((unlabelled / IMAGES).iterdir()):
        (width, height), found = predict(path)
        sure = [box for box in found if box["score"] >= least]
        if not sure:
            continue
        name, image = f"{MORE}{path.name}", next(images)
        (target / IMAGES / name).symlink_to(path.resolve())
        content["images"].append({"id": image, "file_name": name, "width": width, "height": height})
        content["annotations"] += [
            {"id": next(boxes), "image_id": image, "category_id": box["label"], "bbox": box["box"],
             "area": round(box["box"][2] * box["box"][3], 2), "iscrowd": 0, "segmentation": []}
            for box in sure
        ]  # fmt: skip
        added += 1
    return added
