"""Measures what int8 costs on ten small datasets with the fast preset, drawn and sampled.

    .venv/bin/python -m tests.bench.small_sets [--seed 0] [--seeds 1] [--only NAME[,NAME…]] [--keep FOLDER]

Each set has 20 to 200 images of 2 to 10 classes, and 200 images apart to measure on (``small/sets.py``). It
is trained as a run with the preset trains it, converted for RV1106 and measured. Where int8 loses more than
the limit that a run has unless it says otherwise, a cure that the parity report names is tried: converting
with the algorithm mmse. Prints a line a set; the last line is one JSON object:

- ``worst_drop``: the largest drop from the trained model to int8, in points, after the cure if one was tried.
- ``sets``: of each set, and of each seed if there are several, ``float``, ``int8`` and ``drop``, in per cent
  and points; ``uncured`` is the drop before the cure if one was tried.
- ``seconds``: of all of it.

It ends with 1 when a set loses more than the limit after the cure.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from itertools import product
from pathlib import Path
from typing import Any

from tests.bench import worker_jobs
from tests.bench.small.sets import SETS, SmallSet

PRESET = ("input_size", "epochs", "batch_size", "learning_rate", "augmentation")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--seeds", type=int, default=1, help="how many seeds, from --seed on")
    parser.add_argument("--only", default="", help="names of sets, with commas between them")
    parser.add_argument("--keep", type=Path, help="an empty folder to leave datasets and jobs in")
    given = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
    import django

    django.setup()
    from portal.runs.quality import USUAL_MAX_DROP

    started, wanted = time.monotonic(), given.only.split(",") if given.only else []
    found = {}
    with tempfile.TemporaryDirectory(prefix="slipway-small-") as own:
        chosen = [one for one in SETS if not wanted or one.name in wanted]
        for one, seed in product(chosen, range(given.seed, given.seed + given.seeds)):
            name = one.name if given.seeds == 1 else f"{one.name} {seed}"
            folder = (given.keep or Path(own)) / name.replace(" ", "-")
            found[name] = measure(one, folder, seed, 100 * USUAL_MAX_DROP)
            print(name, found[name], flush=True)
    worst = max(row["drop"] for row in found.values())
    seconds = round(time.monotonic() - started)
    print(json.dumps({"worst_drop": worst, "sets": found, "seconds": seconds}))
    return int(worst > 100 * USUAL_MAX_DROP)


def measure(one: SmallSet, folder: Path, seed: int, limit: float) -> dict[str, Any]:
    dataset = one.stage(folder / "dataset", seed)
    trained = train(one, dataset, folder / "train", seed)
    row = converted(one, dataset, trained, folder / "convert", "normal")
    if row["drop"] > limit:
        row |= converted(one, dataset, trained, folder / "cure", "mmse") | {"uncured": row["drop"]}
    return row


def train(one: SmallSet, dataset: Path, job: Path, seed: int) -> dict[str, Any]:
    from portal.core import configs
    from portal.datasets.models import DatasetVersion
    from portal.runs import plan

    images = len((dataset / "train.txt").read_text(encoding="utf-8").splitlines())
    brought = plan.defaults("fast", version=DatasetVersion(train_images=images))
    changes = {name: brought[name] for name in PRESET}
    names = {"num_classes": one.classes, "class_names": one.class_names}
    return worker_jobs.train(job, dataset, configs.presets()["fast"].recipe, **changes, **names, seed=seed)


def converted(
    one: SmallSet, dataset: Path, trained: dict[str, Any], job: Path, algorithm: str
) -> dict[str, Any]:
    """Per cent of the trained model and of int8, and the points between them."""
    changes = {"class_names": one.class_names, "quantization": {"dtype": None, "algorithm": algorithm}}
    result = worker_jobs.convert(job, dataset, job.parent / "train", **changes)
    before, after = worker_jobs.metric(trained, "paddle"), worker_jobs.metric(result, "simulator")
    return {"float": before, "int8": after, "drop": round(before - after, 2)}


if __name__ == "__main__":
    sys.exit(main())
