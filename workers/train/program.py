"""The training job from spec to result: plan → PaddleX → ONNX → evaluation."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

from workers.contract import JobFolder
from workers.contract.messages import msg
from workers.train.evaluation import ENGINE
from workers.train.kernel_cache import copy_kernels
from workers.train.onnx_files import INPUT_NAME, OPSET, make_onnx
from workers.train.parameters import Plan
from workers.train.plan import read_plan
from workers.train.tasks import TASKS
from workers.train.teacher import with_trained_teacher
from workers.train.training import AFTER_TRAINING_EPOCHS, Training
from workers.train.weights import clean_pretrained, describe

PACKAGES = ("paddlex", "paddlepaddle", "paddle2onnx", "onnxslim")
INFERENCE_FILES = ("inference.json", "inference.pdiparams")


def main(folder: JobFolder, spec: dict[str, Any]) -> dict[str, Any]:
    """Run one training job and return the fields of its result (``workers/README.md``)."""
    plan = read_plan(spec)
    task = TASKS[plan.task]
    redirect_caches(folder.scratch)
    pretrained = describe(plan.pretrained) if plan.pretrained else None
    plan = _with_own_inputs(folder, plan)
    training = Training(folder, plan)
    inference = training.run()
    _keep_weights(folder, training.best_weights, inference)
    _report_phase(folder, plan, msg("make ONNX"), 0.5)
    cut_tensors = make_onnx(folder, inference, plan.input_size, task)
    _report_phase(folder, plan, msg("evaluate"), 0.7)
    with folder.tool(ENGINE):
        predictions = task.evaluate(plan, inference, folder.artifacts / "model.slim.onnx")
    labels = "".join(f"{name}\n" for name in plan.class_names)
    (folder.artifacts / "labels.txt").write_text(labels, encoding="utf-8")
    metrics = task.summarise(predictions, plan.class_names)
    _report_phase(folder, plan, msg("done"), AFTER_TRAINING_EPOCHS)
    return {
        "evaluations": [folder.evaluation("paddle", ENGINE, predictions, metrics)],
        "best_epoch": training.history.best_epoch,
        "epochs": plan.epochs,
        "task": plan.task,
        "recipe": plan.recipe["name"],
        "input_name": INPUT_NAME,
        "input_size": list(plan.input_size),
        "mean": plan.recipe["mean"],
        "std": plan.recipe["std"],
        "cut_tensor": ", ".join(cut_tensors),
        "notices": plan.notices,
        "pretrained": pretrained,
        "precise_bn": training.statistics,
        "opset": OPSET,
        "versions": versions(plan),
    }


def _with_own_inputs(folder: JobFolder, plan: Plan) -> Plan:
    """Return the plan with weights that are safe to open, and with the unlabelled images added to its own."""
    scratch = folder.scratch
    if plan.pretrained:
        plan = replace(plan, pretrained=clean_pretrained(plan.pretrained, scratch / "pretrained"))
    if not plan.teacher:
        return plan
    if "recipe" in plan.method["teacher"]:
        plan = with_trained_teacher(folder, plan)
    folder.phase(msg("add the unlabelled images"))  # a detector's teacher labels them, which takes minutes
    return TASKS[plan.task].with_teacher(plan, scratch)


def redirect_caches(scratch: Path) -> None:
    """Redirect every cache and temporary file of the tools into the job, and keep them off the network."""
    for variable, name in {
        "HOME": "home",
        "XDG_CACHE_HOME": "home/.cache",
        "TMPDIR": "tmp",
        "PADDLE_PDX_CACHE_HOME": "paddlex",
        "MPLCONFIGDIR": "matplotlib",
    }.items():
        path = scratch / name
        path.mkdir(parents=True, exist_ok=True)
        os.environ[variable] = str(path)
    os.environ.update(
        copy_kernels(scratch),
        PADDLE_PDX_DISABLE_MODEL_SOURCE_CHECK="True",
        HF_HUB_OFFLINE="1",
        PYTHONUNBUFFERED="1",
        # The suite opens the label file in the locale's encoding.
        PYTHONUTF8="1",
    )


def versions(plan: Plan) -> dict[str, str]:
    """Return the version of every tool that contributed to the result."""
    return {**{package: version(package) for package in PACKAGES}, **TASKS[plan.task].suite.described(plan)}


def _report_phase(folder: JobFolder, plan: Plan, phase: str, after_training: float) -> None:
    folder.phase(phase)
    folder.progress(plan.epochs + after_training, plan.epochs + AFTER_TRAINING_EPOCHS)


def _keep_weights(folder: JobFolder, weights: Path, inference: Path) -> None:
    shutil.copyfile(weights, folder.artifacts / "best_model.pdparams")
    for name in INFERENCE_FILES:
        shutil.copyfile(inference / name, folder.artifacts / name)
