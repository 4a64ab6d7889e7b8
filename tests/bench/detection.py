"""Measures the whole job of a detector: the demo with its bundled sample and the fast preset.

    .venv/bin/python -m tests.bench.detection

Runs ``manage.py demo --task detection`` in an empty folder of its own. Its last line is one JSON object:

- ``map_gap``: points of mAP between Slipway's figure of the trained weights and PaddleX's own evaluation;
- ``onnx_ap50``, ``int8_ap50``, ``board_ap50``: per cent, on the sample's held-out images;
- ``board_match``: share of the virtual board's boxes, through SSH and the vendor's calls, that the reference
  decoder gives as well for the simulator's outputs, of the same class and at an IoU of 0.98; cut to whole
  pixels, as the vendor's are, of what they may have been before they were rounded to be kept;
- ``cpu_operators``: of the compiled model, those that would run on the chip's CPU, beside input and output;
- ``seconds``: from the accepted upload to the board's boxes. Measure on an idle machine of two cores.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.bench.detector_costs import run
from workers.datakit.scoring.matching import match

ROOT = Path(__file__).resolve().parents[2]
CLOSE = 0.98  # IoU
ROUNDED = 0.005  # pixels: predictions are kept to a hundredth, so a whole number may have been a little less


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="slipway-detection-") as folder:
        environment = {"SLIPWAY_VAR": folder, "DEMO_EXIT": "1", "PYTHONPATH": str(ROOT)}
        os.environ.update(environment, DJANGO_SETTINGS_MODULE="portal.settings")
        subprocess.run([sys.executable, "manage.py", "demo", "--task", "detection"], cwd=ROOT, check=True)
        report = json.loads(Path(folder, "demo", "report.json").read_text(encoding="utf-8"))
        found = figures(Path(folder))
    print(json.dumps({**found, "seconds": round(report["seconds"]["total"])}))


def figures(folder: Path) -> dict:
    """What the demo left in its database and its storage."""
    import django

    django.setup()
    from portal.models.evaluations import Evaluated, predictions_of
    from portal.models.models import Model
    from portal.tasks import Stage

    model = Model.objects.get()
    evaluated = Evaluated.of(model)
    paddle, onnx, simulator, board = (evaluated.find(stage) for stage in Stage)
    compiled = simulator.compiled_model
    return {
        "map_gap": round(100 * abs(paddle.value - coco_map(model.job, folder)), 2),
        "onnx_ap50": round(100 * onnx.metrics["ap50"], 2),
        "int8_ap50": round(100 * simulator.metrics["ap50"], 2),
        "board_ap50": round(100 * board.metrics["ap50"], 2),
        "board_match": round(matched(predictions_of(board), predictions_of(simulator)), 4),
        "cpu_operators": compiled.facts["cost"]["cpu_ops"],
    }


def coco_map(job, folder: Path) -> float:
    """The mAP that PaddleX gives the weights of a training job, whose inputs are staged again for it."""
    from portal.core.files import fetch_artifact
    from portal.jobs import kinds
    from portal.jobs.program import write_spec

    weights = fetch_artifact(job, "best_model.pdparams", folder / "best_model.pdparams")
    staged = folder / "staged"
    staged.mkdir()
    write_spec(staged, job.kind, kinds.get(job.kind).prepare(job, staged))
    return float(run("train", "detectors.coco_map", str(staged), str(weights)).splitlines()[-1])


def matched(predictions: list[dict], reference: list[dict]) -> float:
    """The share of boxes that the reference has on the same image."""
    known = {row["image"]: row for row in reference}
    found: list[bool] = []
    for row in predictions:
        ways = [match(whole(known[row["image"]], less), whole(row), CLOSE) for less in (0, ROUNDED)]
        found += [any(partner is not None for partner in partners) for partners in zip(*ways, strict=True)]
    return statistics.mean(found) if found else 0.0


def whole(row: dict, less: float = 0) -> list[dict]:
    """The boxes of a prediction, cut to whole pixels."""
    return [{**box, "box": [int(number - less) for number in box["box"]]} for box in row["boxes"] or ()]


if __name__ == "__main__":
    main()
