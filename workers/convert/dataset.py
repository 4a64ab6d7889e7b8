"""The staged dataset: its lists, and which of its images calibrate. Standard library only."""

from __future__ import annotations

import random
from collections import defaultdict, deque
from collections.abc import Iterable
from pathlib import Path

from workers.contract import InputError
from workers.contract.messages import msg

Pair = tuple[str, int]


def read_pairs(dataset: Path, split: str) -> list[Pair]:
    """Return ``(image path inside the dataset, class id)`` for each line of ``<split>.txt``.

    Raises InputError if the list is missing, empty or has a line that is not ``path id``.
    """
    list_file = dataset / f"{split}.txt"
    try:
        lines = list_file.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise InputError(msg("The data set has no {split}.txt: upload it again.", split=split)) from error
    pairs = []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        path, _, label = line.strip().rpartition(" ")
        if not path or not label.isdigit():
            raise InputError(
                msg(
                    "Line {number} of {split}.txt must be an image and its class number: {line}.",
                    number=number,
                    split=split,
                    line=repr(line),
                )
            )
        pairs.append((path, int(label)))
    if not pairs:
        raise InputError(msg("The data set's {split} split is empty: add images to it.", split=split))
    return pairs


def choose_random(names: Iterable[str], count: int, seed: int) -> list[str]:
    """Return at most ``count`` of the images, regardless of class, deterministic by seed."""
    known = sorted(set(names))
    return random.Random(seed).sample(known, min(count, len(known)))


def choose_calibration(pairs: Iterable[Pair], count: int, seed: int) -> list[str]:
    """Return at most ``count`` images, balanced over the classes as far as possible, deterministic by seed.

    The classes take turns, each in a shuffled order, so a class with few images contributes all of them and
    the others share the rest. An image of several classes is chosen once. The order of ``pairs`` does not
    matter.
    """
    by_class: dict[int, list[str]] = defaultdict(list)
    for path, label in sorted(set(pairs)):
        by_class[label].append(path)
    shuffle = random.Random(seed)
    queues = []
    for label in sorted(by_class):
        shuffle.shuffle(by_class[label])
        queues.append(deque(by_class[label]))
    chosen: dict[str, None] = {}
    while any(queues) and len(chosen) < count:
        for queue in queues:
            while queue and queue[0] in chosen:
                queue.popleft()
            if queue and len(chosen) < count:
                chosen[queue.popleft()] = None
    return list(chosen)
