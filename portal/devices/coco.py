"""An inference's boxes as one COCO file, for other tools."""

from __future__ import annotations

from typing import Any

from portal import tasks
from portal.devices.models import Inference
from portal.tasks.figures import Thresholds


def file_of(inference: Inference, thresholds: Thresholds) -> dict[str, Any]:
    """The images in the order in which they were sent, with the boxes that pass the thresholds, and scores.

    Categories are the classes that were found, with the model's own ids.
    """
    task, rows = tasks.get(inference.task), list(inference.images.all())
    found = [(row, box) for row in rows for box in task.boxes(row.prediction, thresholds)]
    names = {box["label_id"]: box["label"] for _, box in found}
    return {
        "images": [
            {"id": row.position + 1, "file_name": row.name, "width": row.width, "height": row.height}
            for row in rows
        ],
        "categories": [{"id": number, "name": names[number]} for number in sorted(names)],
        "annotations": [
            {
                "id": number,
                "image_id": row.position + 1,
                "category_id": box["label_id"],
                "bbox": box["box"],
                "area": round(box["box"][2] * box["box"][3], 2),
                "score": box["score"],
                "iscrowd": 0,
            }
            for number, (row, box) in enumerate(found, start=1)
        ],
    }
