"""Measures what a teacher and images without labels add to a classifier with few labels.

    .venv/bin/python -m tests.bench.distill [FOLDER] [--seeds 3] [--labels 20] [--epochs 45]

The teacher is a PP-LCNet x0.5 of 60 labelled digits a class. The student, a PP-LCNet x0.25, has other images:
a few labelled ones a class, and the rest without labels, of which the teacher has seen none. Alone it trains
on the labelled images for as many steps, which are more epochs. Ten other images a class choose the best
epoch: chosen by the measured images, the best of more epochs would look better than it is. The last line is
one JSON object, in per cent of top-1 on the held-out fifth: ``teacher``, and for each seed ``alone`` and
``distilled``; ``gain`` is between the means.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
from pathlib import Path

from tests.bench.worker_jobs import CLASSES, books, metric, stage_digits, train

TEACHER, STUDENT = "pp_lcnet_x0_5", "pp_lcnet_x0_25"
TEACHERS_LABELS, CHOOSING = 60, 10  # images a class


def measure(folder: Path, seeds: int, labels: int, epochs: int) -> dict:
    teachers = stage_digits(folder / "teacher", labelled=TEACHERS_LABELS, choosing=CHOOSING)
    taught = folder / "teacher" / "job"
    teacher = metric(train(taught, teachers, TEACHER, epochs=2 * epochs), "paddle")
    found = [
        _student(folder / f"seed{seed}", taught / "artifacts" / "best_model.pdparams", seed, labels, epochs)
        for seed in range(seeds)
    ]
    alone, distilled = map(list, zip(*found, strict=True))
    gain = round(statistics.mean(distilled) - statistics.mean(alone), 2)
    return {"teacher": teacher, "alone": alone, "distilled": distilled, "gain": gain}


def _student(folder: Path, weights: Path, seed: int, labels: int, epochs: int) -> tuple[float, float]:
    dataset = stage_digits(folder, TEACHERS_LABELS, labels, CHOOSING)
    labelled = labels * len(CLASSES)
    further = len(list((folder / "unlabelled" / "images").iterdir()))
    as_long = round(epochs * (labelled + further) / labelled)
    alone = train(folder / "alone", dataset, STUDENT, seed=seed, epochs=as_long)
    distilled = train(
        folder / "distilled",
        dataset,
        STUDENT,
        seed=seed,
        epochs=epochs,
        teacher=weights,
        unlabelled=folder / "unlabelled",
        method={"name": "distill", "teacher": books(TEACHER, "rv1106")[0]},
    )
    return metric(alone, "paddle"), metric(distilled, "paddle")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, nargs="?")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--labels", type=int, default=20)
    parser.add_argument("--epochs", type=int, default=45)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="slipway-distill-") as folder:
        found = measure(options.folder or Path(folder), options.seeds, options.labels, options.epochs)
    print(json.dumps(found))


if __name__ == "__main__":
    main()
