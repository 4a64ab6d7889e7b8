"""Speaks the contract of ``workers.convert`` in a second. Its figures mean nothing."""

import json
import sys
from pathlib import Path

from tests.fakes import tasks
from workers import contract

WRONG = {"normal": 3, "kl_divergence": 2, "mmse": 1}


def simulated(params, predictions):
    """With a class ``fake: drop``, some images are wrong in the simulator: none with layers in 16 bits."""
    wanted, classes = params["quantization"], params["class_names"]
    if "fake: drop" not in classes or wanted["int16_layers"] or wanted["dtype"]:
        return predictions
    wrong = WRONG[wanted["algorithm"]] + (wanted["method"] == "layer")
    changed = [{**row, "predicted": (row["label"] + 1) % len(classes)} for row in predictions[:wrong]]
    return changed + predictions[wrong:]


def layer_errors(folder, spec):
    """Two layers, of which the second is bad."""
    numbers = {"cosine": 0.99, "euclidean": 1.0, "single_euclidean": 0.5, "fused": [], "outlier": None}
    layers = [
        {"type": "Conv", "name": "conv.1", "single_cosine": 0.9999, **numbers},
        {
            "type": "Relu",
            "name": "relu.2",
            "single_cosine": 0.6,
            **numbers,
            "fused": ["conv.2"],
            "outlier": 9.5,
        },
    ]
    (folder.artifacts / "layer_errors.json").write_text(json.dumps(layers))
    return {"layers": layers, "images": spec["params"]["images"], "versions": {"rknn-toolkit2": "fake"}}


def main(folder, spec):
    others = {"layer-error": layer_errors, "baseline": baseline}
    return others.get(spec["kind"], convert)(folder, spec)


def baseline(folder, spec):
    """The first image that is asked for is wrong, or none of its boxes is found."""
    names = spec["params"]["images"]
    task = tasks.of(spec)
    rows = [row for row in task.predictions(Path(spec["inputs"]["dataset"])) if row["image"] in names]
    rows[0] |= {"boxes": []} if "truth" in rows[0] else {"predicted": None}
    metrics = task.metrics(rows, spec["params"]["class_names"], 0.5)
    return {"evaluations": [folder.evaluation("simulator", "fake", rows, metrics)], "versions": {}}


def convert(folder, spec):
    params = spec["params"]
    folder.phase("build int8 model")
    with folder.tool("rknn-toolkit2"):
        print("fake conversion for", params["chip"]["name"], flush=True)
    task = tasks.of(spec)
    predictions = task.predictions(Path(spec["inputs"]["dataset"]))
    if params.get("class_map") is not None:
        predictions = task.translated(predictions, params["class_map"])
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
            folder.evaluation(stage, "fake", rows, task.metrics(rows, params["class_names"], value))
            for stage, value, rows in (
                ("onnx", 0.96, predictions),
                ("simulator", 0.95, simulated(params, predictions)),
            )
        ],
        "cost": {"cycles": 1200, "weight_bytes": 1000, "feature_bytes": 500, "cpu_ops": [], "layers": layers},
        "rknn_bytes": len(rknn),
        "sha256": "0" * 64,
        "quantized": params["quantization"]["dtype"] is None,
        "calibration": {"images": 8, "seed": 0},
        "notices": [],
        "versions": {"rknn-toolkit2": "fake"},
    }


if __name__ == "__main__":
    sys.exit(contract.run(main))
