"""The YAML that PaddleX reads besides the suite's own, and what the suites' configurations share."""

from __future__ import annotations

import copy
import os
from pathlib import Path
from typing import Any

from workers.contract import InputError
from workers.contract.messages import msg
from workers.train.parameters import Plan
from workers.train.yaml_files import write_yaml

# A line of progress at least every ten steps: live curves on slow machines, short logs on fast ones.
MAX_PRINT_STEP = 10
LINES_PER_EPOCH = 20


def paddlex_configuration(
    plan: Plan, suite_file: Path, output: Path, checkpoint: Path | None
) -> dict[str, Any]:
    """Return PaddleX's own configuration of the training (its module pipeline format)."""
    return {
        "Global": {
            "model": plan.recipe["model"],
            "mode": "train",
            "dataset_dir": str(plan.dataset),
            "device": plan.device,
            "output": str(output),
        },
        "Train": {
            "basic_config_path": str(suite_file),
            "num_classes": plan.num_classes,
            "epochs_iters": plan.epochs,
            "batch_size": plan.batch_size,
            "learning_rate": plan.learning_rate,
            # Empty means from scratch; anything else is opened or downloaded by PaddleX.
            "pretrain_weight_path": str(plan.pretrained) if plan.pretrained and not checkpoint else "",
            "warmup_steps": None,
            "resume_path": str(checkpoint) if checkpoint else None,
            "log_interval": None,
            "eval_interval": 1,
            "save_interval": 1,
            # The upstream suite would export an inference model with each checkpoint: seconds per epoch.
            "uniform_output_enabled": False,
        },
        "Evaluate": {"weight_path": None, "log_interval": 1},
        "Export": {"weight_path": None, "basic_config_path": str(suite_file)},
    }


def export_configuration(train: dict[str, Any], weights: str, output: Path) -> dict[str, Any]:
    """Return PaddleX's configuration that exports ``weights`` to an inference model in ``output``."""
    config = copy.deepcopy(train)
    config["Global"].update(mode="export", output=str(output))
    config["Export"]["weight_path"] = weights
    return config


def write_configurations(
    plan: Plan, suite: dict[str, Any], scratch: Path, output: Path, checkpoint: Path | None
) -> Path:
    """Write ``suite.yaml`` and ``paddlex.yaml`` into ``scratch``; return the path of the latter."""
    suite_file, paddlex_file = scratch / "suite.yaml", scratch / "paddlex.yaml"
    write_yaml(suite_file, suite)
    write_yaml(paddlex_file, paddlex_configuration(plan, suite_file, output, checkpoint))
    return paddlex_file


def augmentation_of(plan: Plan, augmentations: dict[str, Any]) -> dict[str, Any]:
    """Return the plan's augmentation. Raises InputError if the task does not have it."""
    if plan.augmentation not in augmentations:
        raise InputError(
            msg(
                "There is no augmentation {augmentation}: choose one of {augmentations}.",
                augmentation=repr(plan.augmentation),
                augmentations=", ".join(augmentations),
            )
        )
    return augmentations[plan.augmentation]


def print_steps(plan: Plan) -> int:
    """Return the number of steps between two lines of progress."""
    return max(1, min(MAX_PRINT_STEP, plan.steps_per_epoch // LINES_PER_EPOCH))


def warmup_epochs(epochs: int, wanted: int) -> int:
    """Return the epochs of rising learning rate: at most a fifth of a short training."""
    return min(int(wanted), epochs // 5)


def loader_processes(plan: Plan) -> int:
    """Return how many processes decode images: none for small images, where starting them costs more."""
    if plan.input_size[0] * plan.input_size[1] <= 96 * 96 and plan.device == "cpu":
        return 0
    return min(4, os.cpu_count() or 1)
