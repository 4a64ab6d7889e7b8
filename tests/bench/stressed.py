"""Makes a classifier that int8 spoils: a trained MobileNetV2 whose value ranges were stretched.

    .venv/bin/python -m tests.bench.stressed FOLDER [--factor 160] [--epochs 10]

In an inverted residual block nothing follows the last normalisation, so its channels can be multiplied by
any factors if the convolutions that read them are divided by the same: the float network computes what it
did, and one scale of 8 bits for a whole tensor no longer fits its channels. Trained models show the same, but
less.

``FOLDER/stressed`` is the job folder of the stretched model with all artifacts, ``FOLDER/digits`` the staged
images, ``FOLDER/converted`` its conversion for rv1106. Prints ``float`` and ``int8``, per cent, as JSON.
"""

from __future__ import annotations

import argparse
import json
import pickle
from pathlib import Path

import numpy

from tests.bench.worker_jobs import convert, metric, stage_digits, train
from workers.train.plan import read_plan
from workers.train.training import identity_of
from workers.train.weights import clean

RECIPE = "mobilenet_v2_x0_25"
SCALED = (".weight", ".bias")


def stretch(weights: dict, factor: float) -> None:
    """Multiply each block's output channels by factors from 1 to ``factor``, and divide where they are read.

    ``weights`` are in the order in which the network computes. Blocks of one stage add to each other, so they
    share their factors.
    """
    factors = None
    for name, values in weights.items():
        if name.endswith("_linear_conv._batch_norm.weight"):
            if "_first_block" in name:
                factors = numpy.geomspace(1, factor, len(values), dtype="float32")
            for suffix in SCALED:
                weights[name.removesuffix(".weight") + suffix] *= factors
        elif factors is not None and name.endswith(("_expand_conv._conv.weight", "conv9._conv.weight")):
            values /= factors[None, :, None, None]


def make(folder: Path, factor: float = 160, epochs: int = 10) -> dict[str, float]:
    """Train, stretch, export and convert; what is there already is taken."""
    dataset, trained = folder / "digits", folder / "trained"
    if not trained.exists():
        stage_digits(folder)
        train(trained, dataset, RECIPE, epochs=epochs)
    weights = _stretched(trained / "artifacts" / "best_model.pdparams", folder / "weights", factor)
    _pretend_trained(folder / "earlier", trained, weights)
    result = train(folder / "stressed", dataset, RECIPE, epochs=epochs, resume=folder / "earlier")
    converted = convert(folder / "converted", dataset, folder / "stressed")
    return {"float": metric(result, "paddle"), "int8": metric(converted, "simulator")}


def _stretched(source: Path, target: Path, factor: float) -> Path:
    clean(source, target)
    weights = pickle.loads(target.read_bytes())
    stretch(weights, factor)
    target.write_bytes(pickle.dumps(weights, protocol=4))
    return target


def _pretend_trained(job: Path, trained: Path, weights: Path) -> None:
    """Make the folder of a job that stopped after its last epoch: the next one only exports the weights."""
    spec = json.loads((trained / "spec.json").read_text(encoding="utf-8"))
    plan, output = read_plan(spec), job / "scratch" / "output" / "made"
    output.mkdir(parents=True)
    (output / f"epoch_{plan.epochs}.pdparams").write_bytes(weights.read_bytes())
    for suffix in ("pdopt", "pdstates"):
        (output / f"epoch_{plan.epochs}.{suffix}").write_bytes(pickle.dumps({"epoch": plan.epochs}))
    history = {"identity": identity_of(plan), "scores": {plan.epochs: 1.0}}
    (job / "scratch" / "history.json").write_text(json.dumps(history), encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--factor", type=float, default=160)
    parser.add_argument("--epochs", type=int, default=10)
    options = parser.parse_args()
    print(json.dumps(make(options.folder, options.factor, options.epochs)))


if __name__ == "__main__":
    main()
