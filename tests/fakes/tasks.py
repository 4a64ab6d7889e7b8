"""How the fake programs predict, one class a task: every image rightly. Their figures mean nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from workers.contract.splits import measured_split
from workers.contract.tasks import task_of
from workers.datakit import coco_json
from workers.datakit.scoring import classification, detection

MOST_CLASSES = 1000


class Classification:
    """One label for a whole image."""

    name, metric = "classification", "top1"

    def predictions(self, dataset: Path) -> list[dict[str, Any]]:
        rows = (dataset / f"{measured_split(dataset)}.txt").read_text(encoding="utf-8").splitlines()
        pairs = [row.rsplit(" ", 1) for row in rows]
        return [
            {"image": image, "label": int(label), "predicted": int(label), "score": 0.9}
            for image, label in pairs
        ]

    def proposal(self, number: int, image: str, width: int, height: int) -> dict[str, Any]:
        """The classes 0 and 1 in turns."""
        return {"image": image, "label": None, "predicted": number % 2, "score": 0.9}

    def metrics(self, rows: list[dict[str, Any]], class_names: list[str], value: float) -> dict[str, Any]:
        """Those of the predictions, with the task's metric as it is wanted."""
        found = classification.summarise(rows, class_names)
        return found if found["top1"] is None else {**found, "top1": value}

    def translated(self, rows: list[dict[str, Any]], class_map: list[int | None]) -> list[dict[str, Any]]:
        """In an imported network's classes; it predicts class 0 for images of unknown ones."""
        found = [{**row, "label": class_map[row["label"]]} for row in rows]
        known = [row for row in found if row["label"] is not None]
        return [{**row, "predicted": row["label"]} for row in known] or [
            {**row, "predicted": 0} for row in found
        ]


class Detection:
    """Every box rightly, but those of the last image, of which none is found."""

    name, metric = "detection", "map"

    def predictions(self, dataset: Path) -> list[dict[str, Any]]:
        rows = coco_json.read_staged(dataset, "val", MOST_CLASSES)
        found = [{**row, "boxes": [{**box, "score": 0.9} for box in row["truth"]]} for row in rows]
        return [*found[:-1], {**found[-1], "boxes": []}]

    def proposal(self, number: int, image: str, width: int, height: int) -> dict[str, Any]:
        """A sure box of class 0 and a faint one of class 1; nothing in each third image."""
        boxes = [
            {"label": 0, "score": 0.9, "box": [1.0, 2.0, width / 2, height / 2]},
            {"label": 1, "score": 0.3, "box": [width / 2, height / 2, 4.0, 4.0]},
        ]
        found = [] if number % 3 == 2 else boxes
        return {"image": image, "width": width, "height": height, "truth": [], "boxes": found}

    def metrics(self, rows: list[dict[str, Any]], class_names: list[str], value: float) -> dict[str, Any]:
        return {**detection.summarise(rows, class_names), "map": value}


class Counting(Classification):
    """A task that only tests have: see ``tests/runs/test_added_task.py``."""

    name, metric = "counting", "hits"

    def metrics(self, rows: list[dict[str, Any]], class_names: list[str], value: float) -> dict[str, Any]:
        per_class = [{"id": number, "name": name, "hit": value} for number, name in enumerate(class_names)]
        return {"hits": value, "images": len(rows), "per_class": per_class}


TASKS = {task.name: task for task in (Classification(), Detection(), Counting())}


def of(spec: dict[str, Any]) -> Classification | Detection:
    return task_of(spec, TASKS)
