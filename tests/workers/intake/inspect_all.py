"""``python -m tests.workers.intake.inspect_all FOLDER``, in the training environment.

Inspects small networks and prints one JSON object with the result or the refusal of each.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import onnxruntime

from tests.workers.intake import detectors, networks
from workers.contract import JobFolder, ProgramError
from workers.contract.messages import Encoder
from workers.intake.__main__ import main

CHIPS = [
    {
        "name": "rv1106", "title": "Rockchip RV1106", "target_platform": "rv1106", "max_input_side": 640,
        "model_memory_mb": 64, "cpu_operators": ["Softmax", "Exp", "Div", "Reshape"],
    }
]  # fmt: skip


def told(kind: str, folder: Path, inputs: dict, params: dict) -> dict:
    folder.mkdir()
    job = JobFolder(folder)
    job.artifacts.mkdir()
    job.scratch.mkdir()
    try:
        return main(job, {"kind": kind, "inputs": inputs, "params": params})
    except ProgramError as error:
        return {"failed": error.args[0], "kind": error.kind}


def turned(folder: Path, plain: Path) -> float:
    """The largest difference between a network that took BGR and the one that takes RGB instead."""
    params = {
        "task": "classification", "class_names": list("abcdefghij"), "input_size": [32, 32],
        "channel_order": "bgr", "mean": [0.1, 0.2, 0.3], "std": [0.4, 0.5, 0.6],
    }  # fmt: skip
    found = told("import-model", folder, {"onnx": str(plain)}, params)
    assert found["mean"] == [0.3, 0.2, 0.1] and found["std"] == [0.6, 0.5, 0.4]
    image = np.random.default_rng(3).random((1, 3, 32, 32)).astype(np.float32)
    before = onnxruntime.InferenceSession(str(plain)).run(None, {"image": image})[0]
    session = onnxruntime.InferenceSession(str(folder / "artifacts" / "model.slim.onnx"))
    scores = session.run(None, {"image": np.ascontiguousarray(image[:, ::-1])})[0]
    powers = np.exp(scores - scores.max())
    return float(np.abs(before - powers / powers.sum()).max())


if __name__ == "__main__":
    place = Path(sys.argv[1])
    made = networks.files(place) | detectors.files(place)
    results = {
        name: told("inspect-model", place / f"job {name}", {"file": str(path)}, {"chips": CHIPS})
        for name, path in made.items()
    }
    results["turned"] = {"difference": turned(place / "turned", made["plain"])}
    labels = {"task": "classification", "class_names": ["a"], "input_size": [32, 32], "channel_order": "rgb",
              "mean": [0] * 3, "std": [1] * 3}  # fmt: skip
    results["labels"] = told("import-model", place / "labels", {"onnx": str(made["plain"])}, labels)
    labels |= {"class_names": list("abcdefg")}
    for name, output in (("age", "age"), ("no output", "sex")):
        params = labels | {"output": output}
        results[name] = told("import-model", place / name, {"onnx": str(made["several outputs"])}, params)
    print(json.dumps(results, cls=Encoder))
