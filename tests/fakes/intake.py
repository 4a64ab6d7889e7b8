"""Speaks the contract of ``workers.intake`` in a moment. The uploaded file is JSON and says what it is."""

import json
import sys
from pathlib import Path

from workers import contract
from workers.contract.messages import msg

FACTS = {
    "format": "onnx",
    "sha256": "5" * 64,
    "bytes": 100,
    "opset": 13,
    "producer": "fake 1",
    "is_quantized": False,
    "inputs": [{"name": "image", "type": "float", "shape": ["N", 3, 32, 32]}],
    "outputs": [{"name": "scores", "type": "float", "shape": ["N", 3]}],
    "operators": [["Conv", 5], ["Softmax", 1]],
    "refusal": "",
    "versions": {"onnx": "fake"},
    "task": "classification",
    "classes": 3,
    "detector": "",
    "input_size": [32, 32],
    "is_free": False,
    "fixes": [msg("The end of the network ({names}) is cut off: the board computes it.", names="Softmax")],
    "diff": {
        "operators": [["Softmax", 1, 0]],
        "nodes": [6, 5],
        "inputs": [[{"name": "image", "type": "float", "shape": ["N", 3, 32, 32]}]] * 2,
        "outputs": [[{"name": "scores", "type": "float", "shape": [1, 3]}]] * 2,
    },
    "macs": 1_500_000,
    "parameters": 20_000,
}


def main(folder, spec):
    return inspect(folder, spec) if spec["kind"] == "inspect-model" else adopt(folder, spec)


def inspect(folder, spec):
    try:
        wishes = json.loads(Path(spec["inputs"]["file"]).read_text(encoding="utf-8"))
    except ValueError as error:
        raise contract.InputError(msg("The ONNX file is damaged.")) from error
    (folder.artifacts / "source.onnx").write_text(json.dumps(wishes))
    chips = [
        {"chip": chip["name"], "fits": True, "problems": [], "cpu": [], "unknown": [], "cycles": 90_000,
         "memory_bytes": 40_000}
        for chip in spec["params"]["chips"]
    ]  # fmt: skip
    return {**FACTS, "chips": chips, **wishes}


def adopt(folder, spec):
    params = spec["params"]
    (folder.artifacts / "model.slim.onnx").write_bytes(b"fake model.slim.onnx")
    return {
        "evaluations": [],
        "input_name": "image",
        "input_size": params["input_size"],
        "mean": params["mean"],
        "std": params["std"],
        "cut_tensor": "scores",
        "notices": [],
        "opset": 13,
        "versions": {"onnx": "fake"},
    }


if __name__ == "__main__":
    sys.exit(contract.run(main))
