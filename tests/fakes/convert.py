"""Speaks the contract of ``workers.convert`` in a second. Its figures mean nothing."""

import json
import sys
from pathlib import Path

from tests.fakes import tasks
from workers import contract


def main(folder, spec):
    params = spec["params"]
    folder.phase("build int8 model")
    with folder.tool("rknn-toolkit2"):
        print("fake conversion for", params["chip"]["name"], flush=True)
    task = tasks.of(spec)
    predictions = task.predictions(Path(spec["inputs"]["dataset"]))
    platform = params["chip"]["target_platform"]
    rknn = b"RKNN\0\0\0\0fake" + json.dumps({"target_platform": [platform]}, separators=(",", ":")).encode()
    (folder.artifacts / "model.rknn").write_bytes(rknn)
    for name in ("build.onnx", "calibration.zip"):
        (folder.artifacts / name).write_bytes(f"fake {name}".encode())
    (folder.artifacts / "provenance.json").write_text(json.dumps(params["provenance"]))
    (folder.artifacts / "operators.json").write_text("[]")
    (folder.artifacts / "labels.txt").write_text("".join(f"{name}\n" for name in params["class_names"]))
    layers = [
        {"id": 0, "type": "InputOperator", "target": "CPU", "cycles": 0, "name": "input"},
        {"id": 1, "type": "ConvRelu", "target": "NPU", "cycles": 1200, "name": "conv"},
    ]
    return {
        "evaluations": [
            folder.evaluation(
                stage, "fake", predictions, task.metrics(predictions, params["class_names"], value)
            )
            for stage, value in (("onnx", 0.96), ("simulator", 0.95))
        ],
        "cost": {"cycles": 1200, "weight_bytes": 1000, "feature_bytes": 500, "cpu_ops": [], "layers": layers},
        "rknn_bytes": len(rknn),
        "sha256": "0" * 64,
        "quantized": True,
        "calibration": {"images": 8, "seed": 0},
        "notices": [],
        "versions": {"rknn-toolkit2": "fake"},
    }


if __name__ == "__main__":
    sys.exit(contract.run(main))
