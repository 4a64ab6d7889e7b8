"""``python -m workers.convert.prelabel <job folder>``: a model's predictions for unlabelled images.

Inputs: ``onnx`` and ``images``, a folder. Parameters: ``task``, ``class_names``, ``mean``, ``std`` and
``input_size`` as for a conversion, and ``images``, a list of [file name, width, height]. The artifact
``proposals.json`` holds one prediction per image, without ground truth.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from workers.contract import JobFolder, run
from workers.contract.messages import msg
from workers.contract.tasks import task_of
from workers.convert import channels
from workers.convert.calibration import BuildSettings
from workers.convert.images import load_image
from workers.convert.simulator import OrtEngine
from workers.convert.tasks import TASKS

ENGINE = "onnxruntime"
PROPOSALS = "proposals.json"


def main(folder: JobFolder, spec: dict[str, Any]) -> dict[str, Any]:
    """Predict every image and return their number."""
    params, onnx = spec["params"], Path(spec["inputs"]["onnx"])
    task, size = task_of(spec, TASKS), tuple(params["input_size"])
    model = channels.read_model(onnx)
    channels.check_input(model, size)
    task.check_outputs(channels.output_shapes(model), params["class_names"])
    with folder.tool(ENGINE):
        engine = OrtEngine(onnx, _settings(params, size))
    folder.phase(msg("predict"))
    pictures, rows = Path(spec["inputs"]["images"]), []
    for done, (name, width, height) in enumerate(params["images"], start=1):
        image = load_image(pictures / name, size, "rgb")
        with folder.tool(ENGINE):
            outputs = engine.outputs(image)
        rows.append(task.decode(task.without_truth(name, width, height), outputs, size))
        folder.progress(done, len(params["images"]))
    (folder.artifacts / PROPOSALS).write_text(json.dumps(rows), encoding="utf-8")
    return {"images": len(rows)}


def _settings(params: dict[str, Any], size: tuple[int, int]) -> BuildSettings:
    """The settings of the trained float model, which takes RGB; those for a chip do not matter here."""
    return BuildSettings(
        target_platform="",
        channel_order="rgb",
        mean_values=[value * 255 for value in params["mean"]],
        std_values=[value * 255 for value in params["std"]],
        input_size=size,
        quantized=False,
        dtype=None,
        algorithm="normal",
    )


if __name__ == "__main__":
    sys.exit(run(main))
