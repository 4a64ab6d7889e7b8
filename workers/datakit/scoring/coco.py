"""The only module that calls pycocotools: average precision as defined by COCO."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

MOST_BOXES = 100  # boxes of an image that count, highest score first


@dataclass(frozen=True)
class Precision:
    """Of one class: over the IoU thresholds 0.50, 0.55 … 0.95, and at 0.50 alone. Fractions."""

    ap: float
    ap50: float


def average_precisions(predictions: list[dict[str, Any]], classes: int) -> list[Precision | None]:
    """The precision of each class; None for one without any image. Predictions are those of ``detection``."""
    if not any(row["truth"] for row in predictions):
        return [None] * classes
    # Imported here because pages and the command line use this package without ever measuring.
    from pycocotools import coco, cocoeval

    # It has no quiet mode, and sys.stdout belongs to all threads.
    coco.print = cocoeval.print = lambda *_: None
    truth, found = (_coco(coco.COCO(), predictions, key, classes) for key in ("truth", "boxes"))
    judge = cocoeval.COCOeval(truth, found, "bbox")
    judge.params.areaRng, judge.params.areaRngLbl = [[0, 1e10]], ["all"]
    judge.params.maxDets = [MOST_BOXES]
    judge.evaluate()
    judge.accumulate()
    by_class = judge.eval["precision"][..., 0, 0].transpose(2, 0, 1)  # class × IoU × recall
    return [_precision(table) for table in by_class]


def _precision(table: Any) -> Precision | None:
    """From a class's precision at each IoU and recall, which is -1 if the class has no box."""
    if table.min() < 0:
        return None
    return Precision(float(table.mean()), float(table[0].mean()))


def _coco(empty: Any, predictions: list[dict[str, Any]], key: str, classes: int) -> Any:
    # Its ids count from 1: pycocotools takes a match with the id 0 for none.
    boxes = [(image, box) for image, row in enumerate(predictions) for box in row[key] or ()]
    empty.dataset = {
        "images": [{"id": image} for image in range(len(predictions))],
        "categories": [{"id": number} for number in range(classes)],
        "annotations": [
            {
                "id": number,
                "image_id": image,
                "category_id": box["label"],
                "bbox": box["box"],
                "area": box["box"][2] * box["box"][3],
                "iscrowd": 0,
                "score": box.get("score", 1.0),
            }
            for number, (image, box) in enumerate(boxes, start=1)
        ],
    }
    empty.createIndex()
    return empty
