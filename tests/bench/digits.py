"""Measures what a preset reaches on the digits as int8, and how long it takes.

    .venv/bin/python -m tests.bench.digits [--preset balanced] [--seeds 5] [--split 0] [--keep FOLDER]

Each seed trains with the settings that a run with the preset has on these images, converts for rv1106 and is
measured on the held-out fifth. Prints a line a seed; the last line is one JSON object: ``int8`` and ``float``
in per cent of top-1, ``seconds`` and ``processor_seconds`` of training and conversion, all of each seed,
``mean`` of ``int8``, and ``load``, the machine's average load when it ended. Processor time depends little on
what else the machine does. It ends with 1 unless the mean is 99.0 and no seed took longer than ten minutes.
Choose settings on other splits than the one that is measured.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import sys
import tempfile
import time
from pathlib import Path

from PIL import Image

from tests.bench.worker_jobs import convert, metric, stage_digits, train
from workers.datakit.histograms import LONG_SIDE, Histogram

SETTINGS = ("input_size", "epochs", "batch_size", "learning_rate", "augmentation")
LEAST, MOST_SECONDS = 99.0, 600


def measure(folder: Path, preset: str, seed: int, split: int = 0) -> dict[str, float]:
    """Per cent of int8 and float, seconds, and seconds of processor time."""
    from portal.core import configs
    from portal.datasets.models import DatasetVersion
    from portal.runs import plan

    dataset = folder / "digits"
    if not dataset.exists():
        stage_digits(folder, split=split)
    images = len((dataset / "train.txt").read_text(encoding="utf-8").splitlines())
    version = DatasetVersion(statistics=sizes(dataset), train_images=images)
    settings, started, used = plan.defaults(preset, version=version), time.monotonic(), processor_seconds()
    chosen = {name: settings[name] for name in SETTINGS}
    recipe = configs.presets()[preset].recipe
    trained = train(folder / f"train{seed}", dataset, recipe, **chosen, seed=seed)
    converted = convert(folder / f"rknn{seed}", dataset, folder / f"train{seed}")
    return {
        "int8": metric(converted, "simulator"),
        "float": metric(trained, "paddle"),
        "seconds": round(time.monotonic() - started, 1),
        "processor_seconds": round(processor_seconds() - used, 1),
    }


def processor_seconds() -> float:
    """Of all child processes that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def sizes(dataset: Path) -> dict:
    """The sizes of the images, as the portal knows them of a version."""
    sides = Histogram(LONG_SIDE)
    for path in dataset.glob("images/*/*.png"):
        with Image.open(path) as image:
            sides.add(max(image.size))
    return {"long_side": sides.as_dict()}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--preset", default="balanced")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--split", type=int, default=0, help="which fifth is held out")
    parser.add_argument("--keep", type=Path, help="an empty folder to leave datasets and jobs in")
    given = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
    import django

    django.setup()
    found = []
    with tempfile.TemporaryDirectory(prefix="slipway-digits-") as own:
        for seed in range(given.first, given.first + given.seeds):
            found.append(measure(given.keep or Path(own), given.preset, seed, given.split))
            print(seed, found[-1], flush=True)
    columns = {name: [one[name] for one in found] for name in found[0]}
    mean = round(statistics.mean(columns["int8"]), 2)
    print(json.dumps({**columns, "mean": mean, "load": round(os.getloadavg()[1], 1)}))
    return int(mean < LEAST or max(columns["seconds"]) > MOST_SECONDS)


if __name__ == "__main__":
    sys.exit(main())
