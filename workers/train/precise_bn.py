"""Re-estimates the statistics of batch normalisation over training images before a classifier is exported.

During training they are moving averages that lag behind the weights and forget the first steps slowly. After
a hundred steps on a small dataset they are far from the statistics of real images, and int8 suffers most.
Here they become plain averages over whole batches under the exported weights ("precise BN": Wu and Johnson,
Rethinking "Batch" in BatchNorm, 2021), on images as boards see them, without augmentation. They are kept only
if the loss on these images falls.

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
from workers.train.labels import read_labels
from workers.train.parameters import Plan
from workers.train.progress import MARK, SETTLED

KEY = "PreciseBN"  # of the suite's configuration
MOST = 512  # images
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


def re_estimate_weights(network: Any, weights: Path, told: dict[str, Any]) -> None:
    """Load ``weights``, re-estimate the statistics, write them back if the loss fell; print the result."""
    import paddle

    network.set_state_dict(paddle.load(str(weights)))
    used = list(batches(told))
    before = _loss(network, used)
    re_estimate(network, [pixels for pixels, _ in used])
    after = _loss(network, used)
    kept = after < before
    if kept:
        paddle.save(network.state_dict(), str(weights))
    images = sum(len(labels) for _, labels in used)
    result = {"images": images, "loss_before": round(before, 6), "loss_after": round(after, 6), "kept": kept}
    print(f"{MARK} {SETTLED} {json.dumps(result)}", flush=True)


def batches(told: dict[str, Any]) -> Iterator[tuple[Any, Any]]:
    """Yield (pixels, labels) of labelled training images in batches of nearly equal size.

    A batch of one image has no variance.
    """
    import numpy

    dataset = Path(told["dataset"])
    labelled = read_labels(dataset / f"{TRAIN}.txt", told["classes"], partly=True)
    pairs = random.Random(told["seed"]).sample(labelled, min(MOST, len(labelled)))
    count = max(1, round(len(pairs) / BATCH))
    for first in range(count):
        paths = [dataset / name for name, _ in pairs[first::count]]
        labels = numpy.array([label for _, label in pairs[first::count]])
        yield normalised(paths, tuple(told["input_size"]), told["mean"], told["std"]), labels


def re_estimate(network: Any, batches: list[Any]) -> None:
    """Set the statistics to their averages over ``batches``, float32 n × 3 × height × width."""
    import paddle

    kinds = (paddle.nn.BatchNorm, paddle.nn.BatchNorm1D, paddle.nn.BatchNorm2D)
    layers = [layer for layer in network.sublayers() if isinstance(layer, kinds)]
    network.eval()
    for layer in layers:
        layer.train()
    with paddle.no_grad():
        for number, batch in enumerate(batches):
            for layer in layers:
                layer._momentum = number / (number + 1)  # the n-th batch gets a weight of 1/n
            network(paddle.to_tensor(batch))
    network.eval()


def _loss(network: Any, batches: list[tuple[Any, Any]]) -> float:
    """The mean cross-entropy of the images, in nats."""
    import paddle

    network.eval()
    total = 0.0
    with paddle.no_grad():
        for pixels, labels in batches:
            logits = network(paddle.to_tensor(pixels))
            loss = paddle.nn.functional.cross_entropy(logits, paddle.to_tensor(labels), reduction="sum")
            total += float(loss)
    return total / sum(len(labels) for _, labels in batches)
