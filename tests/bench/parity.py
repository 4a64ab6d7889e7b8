"""Measures what comparing the stages of 1,000 images costs beside simulating them.

    .venv/bin/python -m tests.bench.parity [--images 1000]

Trains an epoch on the bundled digits, converts for RV1106 and measures ``--images`` of them, then compares
Paddle, ONNX and the simulator on them as a run does, and lists the changed predictions. Its last line is one
JSON object:

- ``ratio``: seconds of comparing and listing over seconds of the simulator's own answers;
- ``parity_seconds``, ``simulator_seconds``: both of them;
- ``boxes_seconds``: comparing the two stages of a detector on as many made-up images of six boxes.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import tempfile
import time
from pathlib import Path

from tests.bench import worker_jobs
from workers.contract.messages import Decoder

MOVED = 0.05  # by which the made-up scores of the second stage differ


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=1000)
    given = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
    import django

    django.setup()
    with tempfile.TemporaryDirectory(prefix="slipway-parity-") as folder:
        found = measure(Path(folder), given.images)
    print(json.dumps(found | {"boxes_seconds": round(compare_boxes(given.images), 2)}))


def measure(folder: Path, images: int) -> dict[str, float]:
    dataset = worker_jobs.stage_digits(folder)
    lines = [line for split in ("train", "val") for line in (dataset / f"{split}.txt").open(encoding="utf-8")]
    (dataset / "test.txt").write_text("".join(lines[:images]), encoding="utf-8")
    trained = worker_jobs.train(folder / "train", dataset, epochs=1)
    converted = worker_jobs.convert(folder / "convert", dataset, folder / "train")
    simulating = simulator_seconds(folder / "convert", converted)
    comparing = compare(folder, trained, converted)
    return {
        "ratio": round(comparing / simulating, 3),
        "parity_seconds": round(comparing, 3),
        "simulator_seconds": round(simulating, 2),
    }


def simulator_seconds(job: Path, converted: dict) -> float:
    """What the toolkit took after the model was built."""
    lines = (job / "events.jsonl").read_text(encoding="utf-8").splitlines()
    phases = [event for line in lines if (event := json.loads(line, cls=Decoder))["type"] == "phase"]
    times = {str(event["name"]).partition(" ")[0]: event["t"] for event in phases}
    return converted["tool_seconds"]["rknn-toolkit2"] - (times["measure"] - times["build"])


def compare(folder: Path, trained: dict, converted: dict) -> float:
    """Seconds of what a run does with the predictions of its stages."""
    from portal import tasks
    from portal.models.evaluations import compare_stages

    task = tasks.get("classification")
    started = time.monotonic()
    paddle = folder / "train" / "artifacts" / trained["evaluations"][0]["predictions"]
    before = json.loads(paddle.read_text(encoding="utf-8"))
    artifacts = folder / "convert" / "artifacts"
    compare_stages(task, converted["evaluations"], artifacts, {"paddle": before})
    for entry in converted["evaluations"]:
        after = json.loads((artifacts / entry["predictions"]).read_text(encoding="utf-8"))
        task.changed(before, after)
        before = after
    return time.monotonic() - started


def compare_boxes(images: int) -> float:
    from portal import tasks

    chance, task = random.Random(0), tasks.get("detection")
    stages = boxed(chance, images, 0.0), boxed(random.Random(0), images, MOVED)
    started = time.monotonic()
    task.compare(*stages)
    task.changed(*stages)
    return time.monotonic() - started


def boxed(chance: random.Random, images: int, moved: float) -> list[dict]:
    """Predictions of images with six boxes each, and as many faint ones that lie on nothing."""
    rows = []
    for number in range(images):
        places = [[chance.uniform(0, 200), chance.uniform(0, 200), 40.0, 30.0] for _ in range(6)]
        truth = [{"label": label % 3, "box": box} for label, box in enumerate(places)]
        sure = [{**box, "score": round(chance.uniform(0.4, 0.9) - moved, 4)} for box in truth]
        faint = [{"label": 0, "box": [5.0 * one, 5.0, 9.0, 9.0], "score": 0.05} for one in range(6)]
        boxes = sorted(sure + faint, key=lambda box: -box["score"])
        rows.append({"image": f"{number}.png", "width": 256, "height": 256, "truth": truth, "boxes": boxes})
    return rows


if __name__ == "__main__":
    main()
