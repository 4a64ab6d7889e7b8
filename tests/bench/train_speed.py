"""Measures training steps with our operators against Paddle's, on a CPU.

    .venv/bin/python -m tests.bench.train_speed [--rounds N] [--accuracy] [--seeds N] [--epochs N]

Steps of the same network on the same random images, forward, backward and optimiser, turn about with Paddle's
own operators and with ours, in one process. A ratio is the median over the rounds of images per second with
ours divided by those with Paddle's:

- ``ratio_64``: PP-LCNet x0.25 of the training suite, 64 × 64, batches of 16;
- ``ratio_160``: PP-LCNet x1.0, 160 × 160, batches of 32;
- ``ratio_detection``: a network of PicoDet-S's layers (``training/networks.py``), 320 × 320, batches of 8.

``--accuracy`` also trains scikit-learn's digits with each seed either way: ``top1`` are the per cent of right
answers on the held-out fifth. Prints one JSON object as its last line; ``load`` is the machine's load average
before and after. Measure on an idle machine.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
from pathlib import Path

from workers.train import kernel_cache

ROOT = Path(__file__).resolve().parents[2]
PYTHON = os.environ.get("TRAIN_PYTHON", str(ROOT / "workers" / "train" / ".venv" / "bin" / "python"))


def measure(arguments: list[int]) -> dict:
    subprocess.run([PYTHON, "-m", "workers.train.kernel_cache"], cwd=ROOT, check=True)
    kernels = kernel_cache.variables(kernel_cache.CACHE / kernel_cache.digest())
    argv = [PYTHON, "-m", "tests.bench.training.steps", *map(str, arguments)]
    environment = {**os.environ, **kernels, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(argv, cwd=ROOT, env=environment, stdout=subprocess.PIPE, check=True, text=True)
    return json.loads(done.stdout.splitlines()[-1])


def figures(found: dict) -> dict:
    top1 = found.pop("top1", None)
    ratios = {
        case: round(statistics.median(ours / plain for plain, ours in rounds), 2)
        for case, rounds in found.items()
    }
    speeds = {
        case.replace("ratio", "images_per_second"): [
            round(statistics.median(way), 1) for way in zip(*rounds, strict=True)
        ]
        for case, rounds in found.items()
    }
    return {**ratios, **speeds, **({"top1": {"paddle": top1[0], "ours": top1[1]}} if top1 else {})}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--accuracy", action="store_true")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--epochs", type=int, default=8)
    options = parser.parse_args()
    before = os.getloadavg()[0]
    found = measure([options.rounds, *((options.seeds, options.epochs) if options.accuracy else ())])
    print(json.dumps({**figures(found), "load": [round(before, 1), round(os.getloadavg()[0], 1)]}))


if __name__ == "__main__":
    main()
