"""Fits a preset to a dataset of small or few images: input, augmentation, batches and epochs."""

from __future__ import annotations

import math
from typing import Any

from portal.core import configs
from portal.datasets.models import DatasetVersion
from portal.runs.input_fit import fitting_size, usual_side

# Below this side, a crop of a third of the area is a few whole pixels.
TINY_SIDE = 16
# A network learns by steps: few images in large batches make few of them.
LEAST_STEPS, LEAST_BATCH = 64, 16
# The training worker makes batches still smaller, so that an epoch has this many.
WORKERS_STEPS = 4
# A network sees images of a few pixels in ever new positions, which takes more epochs; the smaller input
# saves more time than they cost.
TINY_EPOCHS = 2
# With fewer, a network learns next to nothing from scratch: of two shades, 52 % after 64 steps.
TRAINED_STEPS = 640


def fitted(params: dict[str, Any], version: DatasetVersion, recipe: configs.Recipe) -> dict[str, Any]:
    """A preset's parameters for this dataset; those of large and many images stay as they are."""
    side, images = usual_side(version), version.train_images or 0
    batches = _batches(params["batch_size"], params["learning_rate"], images)
    augmentation = _augmentation(params["augmentation"], side)
    epochs = params["epochs"] * (TINY_EPOCHS if augmentation != params["augmentation"] else 1)
    return {
        **params,
        "input_size": fitting_size(side, params["input_size"], recipe.input_sizes),
        "augmentation": augmentation,
        **batches,
        "epochs": _epochs(epochs, images, batches["batch_size"]),
    }


def _augmentation(name: str, side: int | None) -> str:
    tiny = side is not None and side <= TINY_SIDE
    return configs.augmentations()[name].tiny or name if tiny else name


def _batches(size: int, rate: float, images: int) -> dict[str, Any]:
    """Halve the batches until an epoch has enough steps, and the learning rate with them."""
    while images and images // size < LEAST_STEPS and size // 2 >= LEAST_BATCH:
        size, rate = size // 2, rate / 2
    return {"batch_size": size, "learning_rate": rate}


def _epochs(epochs: int, images: int, batch: int) -> int:
    """At least as many as make a training of enough steps."""
    needed = math.ceil(TRAINED_STEPS / max(WORKERS_STEPS, images // batch))
    return max(epochs, needed) if images else epochs
