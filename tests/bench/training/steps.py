"""``python -m tests.bench.training.steps ROUNDS [SEEDS EPOCHS]``, in the training environment.

Prints one JSON object: for each case the images per second of each round, with Paddle's operators and with
ours; with SEEDS, also the top-1 of trainings on the digits.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable

import cv2
import numpy
import paddle  # noqa: TID251  (this runs in the training environment)
from sklearn.datasets import load_digits

from tests.bench.training.networks import CASES, make_step, optimizer, pp_lcnet
from workers.train.kernels import layers

SECONDS = 2.0  # of steps in a row, at least
SIDE, BATCH = 64, 16


def main() -> None:
    rounds, *accuracy = map(int, sys.argv[1:])
    found = {case: speed(case, rounds) for case in CASES}
    if accuracy:
        seeds, epochs = accuracy
        found["top1"] = [[train(way, seed, epochs) for seed in range(seeds)] for way in WAYS]
    print(json.dumps(found))


WAYS = (layers.remove, layers.install)


def speed(case: str, rounds: int) -> list[tuple[float, float]]:
    """Return images per second of each round: (Paddle's, ours)."""
    step, batch = make_step(case), CASES[case][2]
    for way in WAYS:
        way()
        step()
    return [tuple(batch * steps_per_second(way, step) for way in WAYS) for _ in range(rounds)]


def steps_per_second(way: Callable[[], None], step: Callable[[], float]) -> float:
    way()
    step()
    count, start = 0, time.perf_counter()
    while time.perf_counter() - start < SECONDS:
        step()
        count += 1
    return count / (time.perf_counter() - start)


def digits() -> tuple[numpy.ndarray, numpy.ndarray]:
    """Return the digits of scikit-learn as images × 3 × 64 × 64 in -1..1, and their labels."""
    images, labels = load_digits(return_X_y=True)
    large = [cv2.resize(image.reshape(8, 8).astype("float32") / 8 - 1, (SIDE, SIDE)) for image in images]
    return numpy.repeat(numpy.stack(large)[:, None], 3, axis=1), labels[:, None]


def train(way: Callable[[], None], seed: int, epochs: int) -> float:
    """Return the share of right answers on the held-out fifth, in per cent."""
    way()
    paddle.seed(seed)
    random = numpy.random.default_rng(seed)
    images, labels = digits()
    order = random.permutation(len(labels))
    held, kept = order[: len(order) // 5], order[len(order) // 5 :]
    network, steps = pp_lcnet.PPLCNet_x0_25(class_num=10), len(kept) // BATCH
    rate = paddle.optimizer.lr.CosineAnnealingDecay(0.025, epochs * steps)
    momentum = optimizer(network, rate)
    for _ in range(epochs):
        for batch in numpy.split(random.permutation(kept)[: steps * BATCH], steps):
            answer = network(paddle.to_tensor(images[batch]))
            paddle.nn.functional.cross_entropy(answer, paddle.to_tensor(labels[batch])).backward()
            momentum.step()
            momentum.clear_grad()
            rate.step()
    network.eval()
    with paddle.no_grad():
        right = network(paddle.to_tensor(images[held])).argmax(1).numpy() == labels[held, 0]
    return round(100 * float(right.mean()), 2)


if __name__ == "__main__":
    main()
