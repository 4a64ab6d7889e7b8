"""From a plan to PaddleClas's own YAML. Everything here is a pure function over dictionaries."""

from __future__ import annotations

import copy
import os
from pathlib import Path
from typing import Any

from workers.contract import InputError
from workers.contract.messages import msg
from workers.train.parameters import EVALUATION_BATCH, Plan

# A line of progress at least every ten steps: live curves on slow machines, short logs on fast ones.
MAX_PRINT_STEP = 10
LINES_PER_EPOCH = 20


def fill_configuration(
    plan: Plan, base: dict[str, Any], augmentations: dict[str, Any], output: Path
) -> dict[str, Any]:
    """Return the suite's whole configuration: ``base`` filled in, saving into ``output``."""
    config = suite_configuration(plan, base, augmentations)
    config["Infer"]["PostProcess"]["class_id_map_file"] = str(plan.dataset / "label.txt")
    # PaddleX sets this one for training, and the suite's export wants it too.
    config["Global"]["output_dir"] = str(output)
    return config


def suite_configuration(plan: Plan, base: dict[str, Any], augmentations: dict[str, Any]) -> dict[str, Any]:
    """Return ``base`` (PaddleClas format) with all filled in that PaddleX does not fill in itself."""
    if plan.augmentation not in augmentations:
        raise InputError(
            msg(
                "There is no augmentation {augmentation}: choose one of {augmentations}.",
                augmentation=repr(plan.augmentation),
                augmentations=", ".join(augmentations),
            )
        )
    augmentation, defaults = augmentations[plan.augmentation], plan.recipe["defaults"]
    config = copy.deepcopy(base)
    width, height = plan.input_size
    config["Global"].update(
        seed=plan.seed,
        image_shape=[3, height, width],
        print_batch_step=max(1, min(MAX_PRINT_STEP, plan.steps_per_epoch // LINES_PER_EPOCH)),
    )
    config["Arch"].update(name=plan.recipe["architecture"], class_num=plan.num_classes)
    # PaddleX sets these two again, but only where the base file has a number already.
    config["Optimizer"]["lr"]["learning_rate"] = plan.learning_rate
    config["DataLoader"]["Train"]["sampler"]["batch_size"] = plan.batch_size
    config["Optimizer"]["lr"]["warmup_epoch"] = warmup_epochs(plan.epochs, defaults["warmup_epochs"])
    config["Optimizer"]["regularizer"]["coeff"] = float(defaults["weight_decay"])
    if augmentation["label_smoothing"] and defaults["label_smoothing"]:
        config["Loss"]["Train"][0]["CELoss"]["epsilon"] = float(defaults["label_smoothing"])
    _fill_loaders(config, plan, augmentation["operators"])
    return config


def warmup_epochs(epochs: int, wanted: int) -> int:
    """Return the epochs of rising learning rate: never more than a fifth of a short training."""
    return min(int(wanted), epochs // 5)


def _fill_loaders(config: dict[str, Any], plan: Plan, augmentation: list[dict[str, Any]]) -> None:
    size, loaders = list(plan.input_size), config["DataLoader"]
    loaders["Train"]["dataset"]["transform_ops"] = [
        _decode(),
        *_at_size(augmentation, size),
        _normalise(plan),
    ]
    loaders["Eval"]["dataset"]["transform_ops"] = [_decode(), _stretch(size), _normalise(plan)]
    loaders["Eval"]["sampler"]["batch_size"] = EVALUATION_BATCH
    for part in ("Train", "Eval"):
        loaders[part]["loader"]["num_workers"] = loader_processes(plan)
    config["Infer"]["transforms"] = [_decode(), _stretch(size), _normalise(plan), {"ToCHWImage": None}]


def _decode() -> dict[str, Any]:
    return {"DecodeImage": {"to_rgb": True, "channel_first": False}}


def _stretch(size: list[int]) -> dict[str, Any]:
    return {"ResizeImage": {"size": list(size), "interpolation": "bilinear"}}


def _normalise(plan: Plan) -> dict[str, Any]:
    # The scale is text because the upstream suite's export parses this very text.
    mean, std = list(plan.recipe["mean"]), list(plan.recipe["std"])
    return {"NormalizeImage": {"scale": "1.0/255.0", "mean": mean, "std": std, "order": ""}}


def loader_processes(plan: Plan) -> int:
    """Return how many processes decode images: none for small images, where starting them costs more."""
    if plan.input_size[0] * plan.input_size[1] <= 96 * 96 and plan.device == "cpu":
        return 0
    return min(4, os.cpu_count() or 1)


def _at_size(operators: list[dict[str, Any]], size: list[int]) -> list[dict[str, Any]]:
    filled = copy.deepcopy(operators)
    for operator in filled:
        for arguments in operator.values():
            if arguments and arguments.get("size") == "INPUT_SIZE":
                arguments["size"] = list(size)
    return filled
