"""Measures how much of what int8 lost quantization-aware training wins back.

    .venv/bin/python -m tests.bench.qat [FOLDER] [--seeds 1]

Trains the model of ``bench/stressed.py`` on with the portal's defaults. Its last line is one JSON object, in
per cent of top-1 on the digits' held-out fifth:

- ``float``, ``int8``: before, of the ONNX file and of the file for rv1106;
- ``qat_int8``: after, for each seed;
- ``won_back``: the mean share of the drop that is gone.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
from pathlib import Path

from tests.bench import stressed
from tests.bench.worker_jobs import convert, metric, parameters, train


def measure(folder: Path, seeds: int) -> dict:
    before = stressed.make(folder)
    after = [_trained_on(folder, seed) for seed in range(seeds)]
    drop = before["float"] - before["int8"]
    return {
        **before,
        "qat_int8": after,
        "won_back": round((statistics.mean(after) - before["int8"]) / drop, 3),
    }


def _trained_on(folder: Path, seed: int) -> float:
    from portal.training.methods import METHODS, QAT

    method, own = METHODS[QAT], parameters(folder / "stressed")
    train(
        folder / f"qat{seed}",
        folder / "digits",
        stressed.RECIPE,
        seed=seed,
        epochs=method.epochs,
        learning_rate=own["learning_rate"] * method.rate,
        pretrained=folder / "stressed" / "artifacts" / "best_model.pdparams",
        method={"name": QAT},
    )
    return metric(convert(folder / f"rknn{seed}", folder / "digits", folder / f"qat{seed}"), "simulator")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, nargs="?")
    parser.add_argument("--seeds", type=int, default=1)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="slipway-qat-") as folder:
        print(json.dumps(measure(options.folder or Path(folder), options.seeds)))


if __name__ == "__main__":
    main()
