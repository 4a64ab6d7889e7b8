"""Re-estimates the statistics of batch normalisation over training images before a classifier is evaluated.

During training they are moving averages over augmented images that lag behind the weights and forget the
first steps slowly. After a hundred steps on a small dataset they are far from the statistics of real images:
then the best epoch is chosen by luck, and int8 suffers most. Here they become plain averages over whole
batches under the weights of the epoch ("precise BN": Wu and Johnson, Rethinking "Batch" in BatchNorm, 2021),
on images as boards see them, without augmentation. Training itself does not use them. Quantization-aware
training rounds while they are measured, in the ranges that it has.

``described`` is for the program; the rest runs in the suite's own process.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from workers.contract.splits import TRAIN
from workers.train.evaluation import normalised
from workers.train.labels import read_images, read_labels
from workers.train.parameters import Plan
from workers.train.progress import MARK, SETTLED

KEY = "PreciseBN"  # of the suite's configuration
EACH_EPOCH = 256  # images, labelled or not
MOST = 512  # labelled images
LEAST = 8  # fewer say little about the images to come
BATCH = 32


def described(plan: Plan) -> dict[str, Any]:
    """The settings with which the suite's process reads training images as boards see them."""
    return {
        "dataset": str(plan.dataset),
        "classes": plan.num_classes,
        "input_size": list(plan.input_size),
        "mean": list(plan.recipe["mean"]),
        "std": list(plan.recipe["std"]),
        "seed": plan.seed,
    }


def settle_before_evaluations(engine: Any, told: dict[str, Any]) -> None:
    """Make PaddleClas's engine evaluate, and so choose and save, epochs with re-estimated statistics."""
    names = read_images(_listing(told))
    chosen = random.Random(told["seed"]).sample(names, min(EACH_EPOCH, len(names)))
    if len(chosen) < LEAST:
        return
    used, evaluate = [_pixels(told, batch) for batch in _evenly(chosen)], engine.eval

    def settled(epoch: int = 0) -> float:
        re_estimate(engine.model, used)
        return evaluate(epoch)

    engine.eval = settled
    print(f"{MARK} {SETTLED} {json.dumps({'images': len(chosen)})}", flush=True)


def batches(told: dict[str, Any]) -> Iterator[tuple[Any, Any]]:
    """Yield (pixels, labels) of labelled training images in batches of nearly equal size."""
    import numpy

    labelled = read_labels(_listing(told), told["classes"], partly=True)
    pairs = random.Random(told["seed"]).sample(labelled, min(MOST, len(labelled)))
    for batch in _evenly(pairs):
        yield _pixels(told, [name for name, _ in batch]), numpy.array([label for _, label in batch])


def _listing(told: dict[str, Any]) -> Path:
    return Path(told["dataset"]) / f"{TRAIN}.txt"


def _evenly(rows: list[Any]) -> list[list[Any]]:
    """Batches of nearly equal size: one of a single image would have no variance."""
    count = max(1, round(len(rows) / BATCH))
    return [rows[first::count] for first in range(count)]


def _pixels(told: dict[str, Any], names: list[str]) -> Any:
    paths = [Path(told["dataset"]) / name for name in names]
    return normalised(paths, tuple(told["input_size"]), told["mean"], told["std"])


def re_estimate(network: Any, batches: list[Any]) -> None:
    """Set the statistics to their averages over ``batches``, float32 n × 3 × height × width."""
    import paddle

    kinds = (paddle.nn.BatchNorm, paddle.nn.BatchNorm1D, paddle.nn.BatchNorm2D)
    layers = [layer for layer in network.sublayers() if isinstance(layer, kinds)]
    momenta = [layer._momentum for layer in layers]
    network.eval()
    for layer in layers:
        layer.train()
    with paddle.no_grad():
        for number, batch in enumerate(batches):
            for layer in layers:
                layer._momentum = number / (number + 1)  # the n-th batch gets a weight of 1/n
            network(paddle.to_tensor(batch))
    for layer, momentum in zip(layers, momenta, strict=True):
        layer._momentum = momentum
    network.eval()
