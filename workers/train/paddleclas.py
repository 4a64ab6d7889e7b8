"""From a plan to PaddleClas's own YAML. Pure functions over dictionaries."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

from workers.contract.messages import msg
from workers.train import precise_bn
from workers.train.augmenting import OPERATORS
from workers.train.configuration import augmentation_of, loader_processes, print_steps, warmup_epochs
from workers.train.parameters import EVALUATION_BATCH, Plan
from workers.train.suite import PADDLECLAS


def fill_configuration(
    plan: Plan, base: dict[str, Any], augmentations: dict[str, Any], output: Path
) -> dict[str, Any]:
    """Return the suite's complete configuration: ``base`` filled in, saving into ``output``."""
    config = suite_configuration(plan, base, augmentations)
    config["Infer"]["PostProcess"]["class_id_map_file"] = str(plan.dataset / "label.txt")
    # PaddleX sets this one for training, but the suite's export needs it too.
    config["Global"]["output_dir"] = str(output)
    if plan.method:
        config["Method"] = {**plan.method, "weights": str(plan.teacher)}
    config[precise_bn.KEY] = precise_bn.described(plan)
    return config


def suite_configuration(plan: Plan, base: dict[str, Any], augmentations: dict[str, Any]) -> dict[str, Any]:
    """Return ``base`` (PaddleClas format) with everything filled in that PaddleX does not set itself."""
    augmentation, defaults = augmentation_of(plan, augmentations), plan.recipe["defaults"]
    config = copy.deepcopy(base)
    width, height = plan.input_size
    config["Global"].update(
        seed=plan.seed,
        image_shape=[3, height, width],
        print_batch_step=print_steps(plan),
    )
    config["Arch"].update(name=plan.recipe["architecture"], class_num=plan.num_classes)
    # PaddleX sets these two again, but only if the base file already has a number.
    config["Optimizer"]["lr"]["learning_rate"] = plan.learning_rate
    config["DataLoader"]["Train"]["sampler"]["batch_size"] = plan.batch_size
    config["Optimizer"]["lr"]["warmup_epoch"] = warmup_epochs(plan.epochs, defaults["warmup_epochs"])
    config["Optimizer"]["regularizer"]["coeff"] = float(defaults["weight_decay"])
    if augmentation["label_smoothing"] and defaults["label_smoothing"]:
        config["Loss"]["Train"][0]["CELoss"]["epsilon"] = float(defaults["label_smoothing"])
    _fill_loaders(config, plan, _available(augmentation["operators"], plan))
    return config


def _available(operators: list[dict[str, Any]], plan: Plan) -> list[dict[str, Any]]:
    """``operators`` without our own if the plan names a checkout of the suite; adds a notice to the plan."""
    available = [one for one in operators if not OPERATORS.keys() & one]
    if len(available) == len(operators) or not PADDLECLAS.checkout(plan):
        return operators
    plan.notices.append(
        msg(
            "The training images were not turned, slanted or moved: {setting} names a checkout of {name}, "
            "which cannot do that.",
            setting=PADDLECLAS.setting,
            name=PADDLECLAS.name,
        )
    )
    return available


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
    # The scale is text because the upstream suite's export parses this exact text.
    mean, std = list(plan.recipe["mean"]), list(plan.recipe["std"])
    return {"NormalizeImage": {"scale": "1.0/255.0", "mean": mean, "std": std, "order": ""}}


def _at_size(operators: list[dict[str, Any]], size: list[int]) -> list[dict[str, Any]]:
    filled = copy.deepcopy(operators)
    for operator in filled:
        for arguments in operator.values():
            if arguments and arguments.get("size") == "INPUT_SIZE":
                arguments["size"] = list(size)
    return filled
