"""Measures what pruning to half the cycles costs a classifier, beside a smaller recipe trained as long.

    .venv/bin/python -m tests.bench.prune [FOLDER] [--seeds 1] [--epochs 12] [--share 0.5] [--importance …]

For each seed, trains PP-LCNet x1.0 on the digits, prunes it with the portal's defaults, and trains PP-LCNet
x0.5 for as many epochs as both. Prints a line a seed: for ``whole``, ``pruned`` and ``smaller``, int8 top-1
in per cent on the held-out fifth, and cycles on rv1106; ``cycles`` is the pruned one's share of the whole
one's, ``cost`` the points that it lost. The last line is one JSON object: ``seeds``, all of these, and the
means of ``cycles`` and ``cost``.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
from pathlib import Path

from tests.bench.worker_jobs import convert, metric, parameters, stage_digits, train

WHOLE, SMALLER = "pp_lcnet_x1_0", "pp_lcnet_x0_5"


def measure(folder: Path, seed: int, epochs: int, **pruning) -> dict:
    dataset = stage_digits(folder)
    train(folder / "whole", dataset, WHOLE, epochs=epochs, seed=seed)
    from portal.training.methods import METHODS, PRUNING

    train(
        folder / "pruned",
        dataset,
        WHOLE,
        epochs=epochs,
        seed=seed,
        learning_rate=parameters(folder / "whole")["learning_rate"] * METHODS[PRUNING].rate,
        pretrained=folder / "whole" / "artifacts" / "best_model.pdparams",
        method={"name": PRUNING, **pruning},
    )
    train(folder / "smaller", dataset, SMALLER, epochs=2 * epochs, seed=seed)
    found = {name: _converted(folder, dataset, name) for name in ("whole", "pruned", "smaller")}
    whole, pruned = found["whole"], found["pruned"]
    return {
        **found,
        "cycles": round(pruned["cycles"] / whole["cycles"], 3),
        "cost": round(whole["int8"] - pruned["int8"], 2),
    }


def _converted(folder: Path, dataset: Path, name: str) -> dict:
    result = convert(folder / f"{name}-rknn", dataset, folder / name)
    return {"int8": metric(result, "simulator"), "cycles": result["cost"]["cycles"]}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, nargs="?")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--share", type=float, default=0.5)
    parser.add_argument("--unit", choices=("cycles", "macs"), default="cycles")
    parser.add_argument("--importance", choices=("taylor", "l1", "fpgm"), default="taylor")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="slipway-prune-") as folder:
        pruning = {name: getattr(options, name) for name in ("share", "unit", "importance")}
        found = []
        for seed in range(options.seeds):
            own = (options.folder or Path(folder)) / f"seed{seed}"
            found.append(measure(own, seed, options.epochs, **pruning))
            print(seed, json.dumps(found[-1]), flush=True)
    means = {name: round(statistics.mean(row[name] for row in found), 3) for name in ("cycles", "cost")}
    print(json.dumps({"seeds": found, **means}))


if __name__ == "__main__":
    main()
