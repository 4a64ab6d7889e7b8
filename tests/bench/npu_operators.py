"""Measures which ONNX operators the NPU of each chip computes: ``workers/intake/npu_operators.json``.

    workers/convert/.venv/bin/python -m tests.bench.npu_operators rv1106 rk3588 > operators.json

Builds a network of one convolution, the operator and one more convolution, int8, calibrated with noise, and
reads the build's operator table. ``npu``: nothing runs on the CPU. ``cpu``: the toolkit's names of what does.
``refused``: the toolkit does not build it. A fact of rknn-toolkit2 2.5.0 for one usual shape of each
operator: another shape or attribute may differ, so it makes warnings. The build of the model itself decides.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from pathlib import Path

import cv2
import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from workers.contract import ToolchainError
from workers.convert import optable
from workers.convert.calibration import BuildSettings
from workers.convert.toolkit import Toolkit

SIDE, CHANNELS, SECONDS = 16, 16, 120
UNARY = (
    "Abs", "Ceil", "Cos", "Elu", "Erf", "Exp", "Floor", "HardSigmoid", "HardSwish", "LeakyRelu", "Log",
    "Mish", "Neg", "Not", "Reciprocal", "Relu", "Round", "Selu", "Sigmoid", "Sign", "Sin", "Softplus",
    "Softsign", "Sqrt", "Tanh", "Identity",
)  # fmt: skip
BINARY = ("Add", "Sub", "Mul", "Div", "Max", "Min", "Pow", "Mod", "PRelu")
COMPARED = ("Equal", "Greater", "Less", "GreaterOrEqual", "LessOrEqual", "And", "Or", "Xor")
REDUCED = ("ReduceMean", "ReduceSum", "ReduceMax", "ReduceMin", "ReduceL2", "ReduceProd")
# Not a number for negative ones.
POSITIVE = ("Log", "Pow", "Sqrt", "Reciprocal", "ReduceProd")
POOLED = ("MaxPool", "AveragePool")


def constant(name: str, values, kind=np.float32) -> onnx.TensorProto:
    return numpy_helper.from_array(np.asarray(values, kind), name)


def _of(operator: str) -> tuple[list, list]:
    """The nodes from ``a`` (1×16×16×16) to ``b``, and their constants."""
    node = helper.make_node
    ones = np.full((1, CHANNELS, 1, 1), 1.5)
    if operator == "Not":
        return [
            node("Greater", ["a", "k"], ["c"]),
            node("Not", ["c"], ["n"]),
            node("Cast", ["n"], ["b"], to=1),
        ], [constant("k", ones)]
    if operator in UNARY:
        return [node(operator, ["a"], ["b"])], []
    if operator in BINARY:
        shape = np.full((CHANNELS, 1, 1), 0.25) if operator == "PRelu" else ones
        more = {"fmod": 1} if operator == "Mod" else {}
        return [node(operator, ["a", "k"], ["b"], **more)], [constant("k", shape)]
    if operator in COMPARED:
        return _compared(operator, ones)
    if operator in REDUCED:
        if operator == "ReduceSum":
            return [node(operator, ["a", "k"], ["b"], keepdims=1)], [constant("k", [2, 3], np.int64)]
        return [node(operator, ["a"], ["b"], axes=[2, 3], keepdims=1)], []
    if operator in POOLED:
        return [node(operator, ["a"], ["b"], kernel_shape=[2, 2], strides=[2, 2])], []
    return OTHERS[operator]()


def _compared(operator: str, ones) -> tuple[list, list]:
    node = helper.make_node
    if operator in ("And", "Or", "Xor"):
        nodes = [
            node("Greater", ["a", "k"], ["c"]), node("Less", ["a", "k"], ["d"]), node(operator, ["c", "d"],
            ["n"]), ]  # fmt: skip
    else:
        nodes = [node(operator, ["a", "k"], ["n"])]
    return [*nodes, node("Cast", ["n"], ["b"], to=1)], [constant("k", ones)]


def _chained(*nodes, constants=()) -> tuple[list, list]:
    return list(nodes), list(constants)


def _others() -> dict:
    n, c = helper.make_node, constant
    whole = np.int64
    return {
        "ArgMax": lambda: _chained(n("ArgMax", ["a"], ["i"], axis=1), n("Cast", ["i"], ["b"], to=1)),
        "BatchNormalization": lambda: _chained(
            n("BatchNormalization", ["a", "k", "z", "z", "k"], ["b"]),
            constants=[c("k", np.ones(16)), c("z", np.zeros(16))],
        ),
        "Clip": lambda: _chained(n("Clip", ["a", "l", "h"], ["b"]), constants=[c("l", 0.0), c("h", 6.0)]),
        "Concat": lambda: _chained(n("Relu", ["a"], ["r"]), n("Concat", ["a", "r"], ["b"], axis=1)),
        "Conv": lambda: _chained(n("Conv", ["a", "k"], ["b"]), constants=[c("k", np.ones((16, 16, 1, 1)))]),
        "ConvTranspose": lambda: _chained(
            n("ConvTranspose", ["a", "k"], ["b"], strides=[2, 2]), constants=[c("k", np.ones((16, 16, 2, 2)))]
        ),
        "CumSum": lambda: _chained(n("CumSum", ["a", "k"], ["b"]), constants=[c("k", 1, whole)]),
        "DepthToSpace": lambda: _chained(n("DepthToSpace", ["a"], ["b"], blocksize=2)),
        "SpaceToDepth": lambda: _chained(n("SpaceToDepth", ["a"], ["b"], blocksize=2)),
        "Einsum": lambda: _chained(
            n("Einsum", ["a", "k"], ["b"], equation="nchw,cd->ndhw"), constants=[c("k", np.ones((16, 16)))]
        ),
        "Expand": lambda: _chained(
            n("GlobalAveragePool", ["a"], ["g"]),
            n("Expand", ["g", "k"], ["b"]),
            constants=[c("k", [1, 16, 16, 16], whole)],
        ),  # fmt: skip
        "Flatten": lambda: _chained(
            n("Flatten", ["a"], ["f"]),
            n("Reshape", ["f", "k"], ["b"]),
            constants=[c("k", [1, 16, 16, 16], whole)],
        ),
        "Gather": lambda: _chained(
            n("Gather", ["a", "k"], ["b"], axis=1), constants=[c("k", [1, 0, 2], whole)]
        ),
        "GatherElements": lambda: _chained(
            n("GatherElements", ["a", "k"], ["b"], axis=1),
            constants=[c("k", np.zeros((1, 2, 16, 16)), whole)],
        ),
        "GlobalAveragePool": lambda: _chained(n("GlobalAveragePool", ["a"], ["b"])),
        "GlobalMaxPool": lambda: _chained(n("GlobalMaxPool", ["a"], ["b"])),
        "GridSample": lambda: _chained(
            n("GridSample", ["a", "k"], ["b"]), constants=[c("k", np.zeros((1, 16, 16, 2)))]
        ),
        "InstanceNormalization": lambda: _chained(
            n("InstanceNormalization", ["a", "k", "z"], ["b"]),
            constants=[c("k", np.ones(16)), c("z", np.zeros(16))],
        ),
        "LRN": lambda: _chained(n("LRN", ["a"], ["b"], size=3)),
        "LSTM": lambda: _recurrent("LSTM", 4),
    }


def _more() -> dict:
    n, c = helper.make_node, constant
    whole = np.int64
    return {
        "GRU": lambda: _recurrent("GRU", 3),
        "LayerNormalization": lambda: _chained(
            n("LayerNormalization", ["a", "k", "z"], ["b"]),
            constants=[c("k", np.ones(16)), c("z", np.zeros(16))],
        ),
        "LogSoftmax": lambda: _chained(n("LogSoftmax", ["a"], ["b"], axis=1)),
        "MatMul": lambda: _chained(n("MatMul", ["a", "k"], ["b"]), constants=[c("k", np.ones((16, 16)))]),
        "Gemm": lambda: _chained(
            n("Flatten", ["a"], ["f"]),
            n("Gemm", ["f", "k"], ["g"]),
            n("Reshape", ["g", "s"], ["b"]),
            constants=[c("k", np.ones((4096, 32)) / 4096), c("s", [1, 32, 1, 1], whole)],
        ),  # fmt: skip
        "NonMaxSuppression": lambda: _suppression(),
        "OneHot": lambda: _chained(
            n("ArgMax", ["a"], ["i"], axis=1, keepdims=0),
            n("OneHot", ["i", "d", "v"], ["b"], axis=1),
            constants=[c("d", 16, whole), c("v", [0.0, 1.0])],
        ),  # fmt: skip
        "Pad": lambda: _chained(
            n("Pad", ["a", "k"], ["b"]), constants=[c("k", [0, 0, 1, 1, 0, 0, 1, 1], whole)]
        ),
        "Reshape": lambda: _chained(
            n("Reshape", ["a", "k"], ["b"]), constants=[c("k", [1, 64, 8, 8], whole)]
        ),
    }


def _shapes() -> dict:
    n, c = helper.make_node, constant
    whole = np.int64
    return {
        "Resize": lambda: _chained(
            n(
                "Resize",
                ["a", "", "k"],
                ["b"],
                mode="nearest",
                coordinate_transformation_mode="asymmetric",
                nearest_mode="floor",
            ),
            constants=[c("k", [1, 1, 2, 2])],
        ),  # fmt: skip
        "ScatterND": lambda: _chained(
            n("ScatterND", ["a", "k", "v"], ["b"]), constants=[c("k", [[0, 0, 0, 0]], whole), c("v", [1.0])]
        ),
        "Slice": lambda: _chained(
            n("Slice", ["a", "low", "high", "axis"], ["b"]),
            constants=[c("low", [0], whole), c("high", [8], whole), c("axis", [1], whole)],
        ),
        "Softmax": lambda: _chained(n("Softmax", ["a"], ["b"], axis=1)),
        "Split": lambda: _chained(n("Split", ["a"], ["s", "t"], axis=1), n("Add", ["s", "t"], ["b"])),
        "Squeeze": lambda: _chained(
            n("GlobalAveragePool", ["a"], ["g"]),
            n("Squeeze", ["g", "k"], ["s"]),
            n("Unsqueeze", ["s", "k"], ["b"]),
            constants=[c("k", [2, 3], whole)],
        ),  # fmt: skip
        "Tile": lambda: _chained(n("Tile", ["a", "k"], ["b"]), constants=[c("k", [1, 2, 1, 1], whole)]),
        "TopK": lambda: _chained(n("TopK", ["a", "k"], ["b", "i"], axis=1), constants=[c("k", [4], whole)]),
        "Transpose": lambda: _chained(n("Transpose", ["a"], ["b"], perm=[0, 3, 1, 2])),
        "Where": lambda: _chained(
            n("Greater", ["a", "k"], ["c"]),
            n("Where", ["c", "a", "k"], ["b"]),
            constants=[c("k", np.ones((1, 16, 1, 1)))],
        ),
    }


def _recurrent(kind: str, gates: int) -> tuple[list, list]:
    node, size = helper.make_node, CHANNELS
    nodes = [
        node("Reshape", ["a", "s"], ["r"]), node("Transpose", ["r"], ["t"], perm=[2, 0, 1]),
        node(kind, ["t", "w", "u"], ["y"], hidden_size=size), node("Reshape", ["y", "o"], ["b"]),
    ]  # fmt: skip
    weights = np.full((1, gates * size, size), 0.01)
    shapes = [constant("s", [1, 16, 256], np.int64), constant("o", [1, 16, 16, 16], np.int64)]
    return nodes, [constant("w", weights), constant("u", weights), *shapes]


def _suppression() -> tuple[list, list]:
    node = helper.make_node
    nodes = [
        node("Reshape", ["a", "s"], ["boxes"]), node("Slice", ["boxes", "low", "high", "axis"], ["one"]),
        node("Transpose", ["one"], ["scores"], perm=[0, 2, 1]),
        node("NonMaxSuppression", ["boxes", "scores", "n"], ["i"]), node("Cast", ["i"], ["b"], to=1),
    ]  # fmt: skip
    whole = np.int64
    return nodes, [
        constant("s", [1, 1024, 4], whole), constant("low", [0], whole), constant("high", [1], whole),
        constant("axis", [2], whole), constant("n", [10], whole), ]  # fmt: skip


OTHERS = _others() | _more() | _shapes()
ALL = sorted({*UNARY, *BINARY, *COMPARED, *REDUCED, *POOLED, *OTHERS} - {"And", "Or", "Xor"})


def network(operator: str) -> onnx.ModelProto:
    nodes, constants = _of(operator)
    positive = operator in POSITIVE
    first = [helper.make_node("Conv", ["x", "first"], ["c0" if positive else "a"], pads=[1, 1, 1, 1])]
    first += [helper.make_node("Sigmoid", ["c0"], ["a"])] if positive else []
    weights = np.random.default_rng(0).normal(size=(CHANNELS, 3, 3, 3)).astype(np.float32)
    graph = helper.make_graph(
        [*first, *nodes],
        operator,
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 3, SIDE, SIDE])],
        [helper.make_tensor_value_info("b", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(weights, "first"), *constants],
    )
    opset = {"HardSwish": 14, "Mish": 18, "GridSample": 16, "LayerNormalization": 17}.get(operator, 13)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)
    return onnx.shape_inference.infer_shapes(model)


def outcome(operator: str, chip: str) -> dict:
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        onnx.save(network(operator), folder / "m.onnx")
        noise = np.random.default_rng(0).integers(0, 256, (SIDE, SIDE, 3), np.uint8)
        cv2.imwrite(str(folder / "n.png"), noise)
        settings = BuildSettings(chip, "rgb", [127.5] * 3, [127.5] * 3, (SIDE, SIDE))
        toolkit = Toolkit(folder / "t", verbose=True)
        try:
            toolkit.build(folder / "m.onnx", [folder / "n.png"], settings)
            found = optable.parse_cost(toolkit.log).cpu_operators
        except ToolchainError as error:
            return {"refused": str(error)[:200]}
        return {"cpu": found} if found else {"npu": True}


def isolated(operator: str, chip: str) -> dict:
    """In a process of its own: the toolkit may abort."""
    read, write = os.pipe()
    if (child := os.fork()) == 0:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        os.dup2(1, 2)
        try:
            found = outcome(operator, chip)
        except BaseException as error:
            found = {"refused": f"{type(error).__name__}: {error}"[:200]}
        os.write(write, json.dumps(found).encode())
        os._exit(0)
    os.close(write)
    with os.fdopen(read) as source:
        text = source.read()
    os.waitpid(child, 0)
    return json.loads(text) if text else {"refused": "the toolkit aborts"}


def main() -> None:
    table: dict[str, dict] = {}
    for chip in sys.argv[1:]:
        found = table[chip] = {"npu": [], "cpu": {}, "refused": []}
        for operator in ALL:
            told = isolated(operator, chip)
            print(chip, operator, told, file=sys.stderr, flush=True)
            if "npu" in told:
                found["npu"].append(operator)
            elif "cpu" in told:
                found["cpu"][operator] = told["cpu"]
            else:
                found["refused"].append(operator)
    json.dump(table, sys.stdout, indent=1)


if __name__ == "__main__":
    main()
