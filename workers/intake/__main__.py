"""``python -m workers.intake <job folder>``, in the training environment: inspects and imports models.

The kind ``inspect-model`` says what an uploaded file is; ``import-model`` makes the network that is compiled.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import onnx

from workers.contract import InputError, JobFolder, run
from workers.contract.messages import Message, msg, msg_n
from workers.intake import chips, costing, fixing, graphs, opening

SOURCE, SLIM = "source.onnx", "model.slim.onnx"
MOST_OPERATORS = 80


def main(folder: JobFolder, spec: dict[str, Any]) -> dict[str, Any]:
    return KINDS[spec["kind"]](folder, spec)


def inspect(folder: JobFolder, spec: dict[str, Any]) -> dict[str, Any]:
    """Say what the file is, what was fixed, and what each chip would make of it.

    A file that cannot be read at all fails the job; a readable network that cannot be used gets ``refusal``.
    """
    path = Path(spec["inputs"]["file"])
    folder.phase(msg("read the file"))
    with folder.tool("onnx"):
        model, format_ = opening.open_model(path, folder.scratch)
    onnx.save(model, str(folder.artifacts / SOURCE))
    described = describe(model) | {"format": format_, "sha256": _digest(path), "bytes": path.stat().st_size}
    folder.phase(msg("simplify and check the network"))
    try:
        with folder.tool("onnxslim"):
            fixed = fixing.fix(model, None, folder.scratch)
    except InputError as error:
        return described | {"refusal": error.args[0], "chips": [], "versions": _versions()}
    return described | usable(fixed, spec["params"]["chips"]) | {"refusal": "", "versions": _versions()}


def describe(model: onnx.ModelProto) -> dict[str, Any]:
    counts = graphs.operators(model)
    return {
        "opset": opening.opset_of(model),
        "producer": f"{model.producer_name} {model.producer_version}".strip()[:120],
        "inputs": graphs.as_data(graphs.inputs_of(model))[:20],
        "outputs": graphs.as_data(model.graph.output)[:20],
        "operators": [[name, count] for name, count in counts.most_common(MOST_OPERATORS)],
        "is_quantized": any("QuantizeLinear" in name or name.startswith("QLinear") for name in counts),
    }


def usable(fixed: fixing.Fixed, known_chips: list[dict[str, Any]]) -> dict[str, Any]:
    """What the network can be used for, and its estimated cost."""
    cost = costing.estimate(fixed.model)
    names = set(graphs.operators(fixed.model))
    return {
        "task": fixed.head.task,
        "classes": fixed.head.classes,
        "detector": fixed.head.family,
        "input_size": list(fixed.size),
        "is_free": fixed.is_free,
        "choices": [{"output": name, "classes": count} for name, count in fixed.head.choices],
        "fixes": fixed.fixes,
        "diff": fixed.diff(),
        "macs": cost.macs,
        "parameters": cost.parameters,
        "chips": [chips.judge(chip, names, cost, fixed.size) for chip in known_chips],
    }


def adopt(folder: JobFolder, spec: dict[str, Any]) -> dict[str, Any]:
    """Write the network for the chosen size, in RGB; return the facts that a training would return."""
    params = spec["params"]
    model = opening.checked(Path(spec["inputs"]["onnx"]))
    folder.phase(msg("simplify and check the network"))
    size = (int(params["input_size"][0]), int(params["input_size"][1]))
    with folder.tool("onnxslim"):
        fixed = fixing.fix(model, size, folder.scratch, params.get("output", ""))
    refuse_labels(fixed, params["task"], params["class_names"])
    network = fixed.model if params["channel_order"] == "rgb" else fixing.as_rgb(fixed.model)
    folder.phase(msg("make ONNX"))
    onnx.save(network, str(folder.artifacts / SLIM))
    turn = 1 if params["channel_order"] == "rgb" else -1
    return {
        "evaluations": [],
        "input_name": graphs.inputs_of(network)[0].name,
        "input_size": list(size),
        "mean": params["mean"][::turn],
        "std": params["std"][::turn],
        "cut_tensor": ", ".join(fixed.head.cut),
        "detector": fixed.head.family,
        "notices": notices(fixed, params),
        "opset": opening.opset_of(network),
        "versions": _versions(),
    }


def refuse_labels(fixed: fixing.Fixed, task: str, labels: list[str]) -> None:
    """Raise InputError unless the labels fit the network's outputs."""
    if fixed.head.task != task:
        raise InputError(msg("The network is for another task than its file said: inspect the file again."))
    if fixed.head.classes != len(labels):
        raise InputError(wrong_count(fixed.head.classes, len(labels)))


def wrong_count(classes: int, labels: int) -> Message:
    return msg_n(
        "The network has {classes} classes and {count} label was given: give one label for each "
        "class, in the order of its outputs.",
        "The network has {classes} classes and {count} labels were given: give one label for each "
        "class, in the order of its outputs.",
        labels,
        classes=classes,
    )


def notices(fixed: fixing.Fixed, params: dict[str, Any]) -> list[Message]:
    found = list(fixed.fixes)
    if params["channel_order"] == "bgr":
        found.append(msg("It was trained on BGR images: its first convolution takes RGB now."))
    return found


def _digest(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _versions() -> dict[str, str]:
    return {name: version(name) for name in ("onnx", "onnxslim", "onnxruntime")}


KINDS: dict[str, Callable[[JobFolder, dict[str, Any]], dict[str, Any]]] = {
    "inspect-model": inspect,
    "import-model": adopt,
}

if __name__ == "__main__":
    sys.exit(run(main))
