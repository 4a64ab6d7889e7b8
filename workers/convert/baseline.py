"""The kind ``baseline``: an earlier compiled model, built again, predicts images of a newer dataset version.

Inputs: ``onnx`` and ``calibration``, a conversion's ``build.onnx`` and ``calibration.zip`` in one folder,
and ``dataset``, a staged dataset with the same classes. Parameters: ``task``, ``class_names``, and
``images``, the paths in the measured split to predict.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from workers.contract import InputError, JobFolder
from workers.contract.messages import msg
from workers.contract.splits import measured_split
from workers.contract.tasks import task_of
from workers.convert.images import load_image, order_channels
from workers.convert.simulator import Simulator
from workers.convert.tasks import TASKS
from workers.convert.tasks.base import Sample, Task
from workers.convert.toolkit import NAME as TOOLKIT
from workers.convert.toolkit import toolkit_version

EACH = 25  # images between two reports of progress


def main(folder: JobFolder, spec: dict[str, Any]) -> dict[str, Any]:
    """Predict the images in the simulator; return one evaluation."""
    params, dataset = spec["params"], Path(spec["inputs"]["dataset"])
    task = task_of(spec, TASKS)
    samples = _chosen(task, dataset, params)
    folder.phase(msg("build the model"))
    with folder.tool(TOOLKIT):
        simulator = Simulator.from_release(Path(spec["inputs"]["onnx"]).parent)
    folder.phase(msg("measure"))
    with simulator:
        rows = _predictions(folder, task, simulator, dataset, samples)
    metrics = task.summarise(rows, params["class_names"])
    return {
        "evaluations": [folder.evaluation("simulator", TOOLKIT, rows, metrics)],
        "versions": {TOOLKIT: toolkit_version()},
    }


def _chosen(task: Task, dataset: Path, params: dict[str, Any]) -> list[Sample]:
    wanted = set(params["images"])
    samples = task.read_split(dataset, measured_split(dataset), len(params["class_names"]))
    found = [sample for sample in samples if sample.image in wanted]
    if not found:
        raise InputError(msg("None of these images is in the dataset any more: upload it again."))
    return found


def _predictions(
    folder: JobFolder, task: Task, simulator: Simulator, dataset: Path, samples: list[Sample]
) -> list[dict[str, Any]]:
    size, order = simulator.settings.input_size, simulator.settings.channel_order
    rows = []
    for done, sample in enumerate(samples, start=1):
        image = order_channels(load_image(dataset / sample.image, size, "rgb"), "rgb", order)
        with folder.tool(TOOLKIT):
            outputs = simulator.outputs(image)
        rows.append(task.decode(sample, outputs, size))
        if done % EACH == 0 or done == len(samples):
            folder.progress(done, len(samples))
    return rows
