"""From a plan to the YAML that PaddleX reads beside the suite's own; the same for every task."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

from workers.train.parameters import Plan
from workers.train.yaml_files import write_yaml


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
            # Empty means from scratch; anything else PaddleX opens or downloads.
            "pretrain_weight_path": str(plan.pretrained) if plan.pretrained and not checkpoint else "",
            "warmup_steps": None,
            "resume_path": str(checkpoint) if checkpoint else None,
            "log_interval": None,
            "eval_interval": 1,
            "save_interval": 1,
            # The upstream suite would export an inference model with each checkpoint: seconds an epoch.
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
