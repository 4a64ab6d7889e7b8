"""From a plan to PaddleDetection's own YAML. Pure functions over dictionaries."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

from workers.train.configuration import augmentation_of, loader_processes, print_steps, warmup_epochs
from workers.train.parameters import Plan

BILINEAR = 1  # OpenCV's constant
ANNOTATIONS = "annotations/instance_{}.json"


def fill_configuration(
    plan: Plan, base: dict[str, Any], networks: dict[str, Any], augmentations: dict[str, Any], output: Path
) -> dict[str, Any]:
    """Return the suite's complete configuration: ``base`` filled in, saving into ``output``."""
    augmentation, defaults = augmentation_of(plan, augmentations), plan.recipe["defaults"]
    config = copy.deepcopy(base)
    config.update(
        num_classes=plan.num_classes,
        epoch=plan.epochs,
        seed=plan.seed,
        use_gpu=plan.device != "cpu",
        save_dir=str(output),
        worker_num=loader_processes(plan),
        log_iter=print_steps(plan),
    )
    _fill_network(config, networks[plan.recipe["architecture"]])
    config["PicoHeadV2"]["static_assigner_epoch"] = max(1, plan.epochs // 10)
    decay, warmup = config["LearningRate"]["schedulers"]
    config["LearningRate"]["base_lr"] = plan.learning_rate
    decay["max_epochs"] = plan.epochs
    warmup["steps"] = warmup_epochs(plan.epochs, defaults["warmup_epochs"]) * plan.steps_per_epoch
    config["OptimizerBuilder"]["regularizer"]["factor"] = float(defaults["weight_decay"])
    _fill_readers(config, plan, augmentation["operators"])
    if plan.method:
        config["Method"] = dict(plan.method)
    return config


def _fill_network(config: dict[str, Any], network: dict[str, Any]) -> None:
    channels, head = network["channels"], config["PicoHeadV2"]
    config["LCNet"]["scale"] = network["scale"]
    config["LCPAN"]["out_channels"] = head["feat_in_chan"] = channels
    head["conv_feat"].update(feat_in=channels, feat_out=channels, num_convs=network["convolutions"])


def _fill_readers(config: dict[str, Any], plan: Plan, augmentation: list[dict[str, Any]]) -> None:
    for reader, split in (("Train", "train"), ("Eval", "val"), ("Test", "val")):
        config[f"{reader}Dataset"].update(dataset_dir=str(plan.dataset), anno_path=ANNOTATIONS.format(split))
    width, height = plan.input_size
    size = {"target_size": [height, width], "keep_ratio": False, "interp": BILINEAR}
    normalise = {"is_scale": True, "mean": list(plan.recipe["mean"]), "std": list(plan.recipe["std"])}
    tensor = [{"NormalizeImage": normalise}, {"Permute": {}}]
    config["TrainReader"].update(
        sample_transforms=[{"Decode": {}}, *copy.deepcopy(augmentation), {"Resize": size}, *tensor],
        batch_transforms=[{"PadGT": {}}],
        batch_size=plan.batch_size,
    )
    for reader in ("EvalReader", "TestReader"):
        config[reader]["sample_transforms"] = [{"Decode": {}}, {"Resize": size}, *tensor]
    config["TestReader"]["inputs_def"]["image_shape"] = [3, height, width]
