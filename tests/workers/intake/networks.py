"""Small networks to be inspected; imported in the training environment."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

FLOAT = TensorProto.FLOAT


def network(nodes, inputs, outputs, constants=(), opset=13, name="n.onnx", folder=Path()) -> Path:
    graph = helper.make_graph(
        nodes,
        "network",
        [helper.make_tensor_value_info(one, FLOAT, shape) for one, shape in inputs],
        [helper.make_tensor_value_info(one, FLOAT, shape) for one, shape in outputs],
        [numpy_helper.from_array(np.asarray(value), one) for one, value in constants],
    )
    domains = {node.domain for node in nodes if node.domain}
    opsets = [helper.make_opsetid("", opset), *(helper.make_opsetid(one, 1) for one in sorted(domains))]
    path = folder / name
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=8), str(path))
    return path


def classifier(
    folder, *, channels=3, shape=None, last=("Softmax",), opset=13, first=(), name="n.onnx", **more
):
    """A small classifier of ten classes; ``first`` and ``last`` are operators before and after it."""
    random = np.random.default_rng(1)
    shape = shape or [1, channels, 32, 32]
    nodes, at = list(first), "at" if first else "image"
    nodes += [
        helper.make_node("Conv", [at, "w"], ["c"], pads=[1, 1, 1, 1], strides=[2, 2]),
        helper.make_node("Relu", ["c"], ["r"]),
        helper.make_node("GlobalAveragePool", ["r"], ["g"]),
        helper.make_node("Flatten", ["g"], ["f"]),
        helper.make_node("Gemm", ["f", "k"], ["t0"]),
    ]
    for number, kind in enumerate(last):
        axis = {} if kind == "Sigmoid" else {"axis": 1}
        nodes.append(helper.make_node(kind, [f"t{number}"], [f"t{number + 1}"], **axis))
    constants = [
        ("w", random.normal(size=(16, channels, 3, 3)).astype(np.float32)),
        ("k", random.normal(size=(16, 10)).astype(np.float32)),
    ]
    outputs = more.pop("outputs", [(f"t{len(last)}", ["N", 10])])
    inputs = [("image", shape), *more.pop("inputs", [])]
    nodes += more.pop("nodes", [])
    return network(nodes, inputs, outputs, [*constants, *more.pop("constants", [])], opset, name, folder)


def transposed():
    return [helper.make_node("Transpose", ["image"], ["at"], perm=[0, 3, 1, 2])]


def scaled():
    return [helper.make_node("Mul", ["image", "half"], ["at"])]


def picodet(folder) -> Path:
    """Four levels of scores and distances, decoded to boxes inside the network."""
    random = np.random.default_rng(2)
    nodes, constants, parts = [], [], []
    at, channels = "image", 3
    for level, stride in enumerate((8, 2, 2, 2)):
        size = max(stride, 3)
        constants.append((f"w{level}", random.normal(size=(8, channels, size, size)).astype(np.float32) / 9))
        pads = [0] * 4 if stride == size else [1, 1, 1, 1]
        nodes.append(
            helper.make_node("Conv", [at, f"w{level}"], [f"x{level}"], strides=[stride] * 2, pads=pads)
        )
        nodes.append(helper.make_node("Relu", [f"x{level}"], [f"b{level}"]))
        at, channels = f"b{level}", 8
        for kind, count in (("s", 2), ("d", 32)):
            constants.append((f"{kind}w{level}", random.normal(size=(count, 8, 1, 1)).astype(np.float32)))
            nodes.append(helper.make_node("Conv", [at, f"{kind}w{level}"], [f"{kind}{level}"]))
        nodes.append(helper.make_node("Sigmoid", [f"s{level}"], [f"p{level}"]))
        cells = (64 // 8 // 2**level) ** 2
        for kind, count in (("p", 2), ("d", 32)):
            constants.append((f"{kind}shape{level}", np.array([1, count, cells], np.int64)))
            nodes.append(
                helper.make_node("Reshape", [f"{kind}{level}", f"{kind}shape{level}"], [f"{kind}r{level}"])
            )
        parts.append(level)
    nodes.append(helper.make_node("Concat", [f"pr{one}" for one in parts], ["scores"], axis=2))
    nodes.append(helper.make_node("Concat", [f"dr{one}" for one in parts], ["boxes"], axis=2))
    cells = sum((8 // 2**level) ** 2 for level in parts)
    outputs = [("scores", [1, 2, cells]), ("boxes", [1, 32, cells])]
    return network(nodes, [("image", [1, 3, 64, 64])], outputs, constants, 13, "picodet.onnx", folder)


def several_outputs(folder: Path) -> Path:
    """Corners, which are no scores, and the scores of two sets of classes."""
    one = helper.make_node
    return classifier(
        folder,
        name="outputs.onnx",
        nodes=[
            one("Gemm", ["f", "box"], ["corners"]),
            one("Gemm", ["f", "old"], ["years"]),
            one("Softmax", ["years"], ["age"], axis=1),
        ],
        constants=[("box", np.ones((16, 4), np.float32)), ("old", np.ones((16, 7), np.float32))],
        outputs=[("corners", [1, 4]), ("t1", [1, 10]), ("age", [1, 7])],
    )


def files(folder: Path) -> dict[str, Path]:
    """Every file by what is odd about it."""
    one = helper.make_node
    plain = classifier(folder, name="plain.onnx")
    half = [("half", np.float32(0.5))]
    found = {
        "plain": plain,
        "free": classifier(folder, shape=["N", 3, "H", "W"], name="free.onnx"),
        "last": classifier(folder, shape=[1, 32, 32, 3], first=transposed(), name="last.onnx"),
        "scaled": classifier(folder, first=scaled(), constants=half, name="scaled.onnx"),
        "twice": classifier(folder, last=("Softmax", "Softmax"), name="twice.onnx"),
        "best": classifier(
            folder,
            last=("Softmax",),
            name="best.onnx",
            nodes=[one("ArgMax", ["t1"], ["i"], axis=1), one("Cast", ["i"], ["o"], to=1)],
            outputs=[("o", None)],
        ),  # fmt: skip
        "sqrt": classifier(
            folder,
            last=("Sigmoid",),
            name="sqrt.onnx",
            nodes=[one("Sqrt", ["t1"], ["q"])],
            outputs=[("q", [1, 10])],
        ),  # fmt: skip
        "picodet": picodet(folder),
        "several outputs": several_outputs(folder),
        "gray": classifier(folder, channels=1, name="gray.onnx"),
        "rgba": classifier(folder, channels=4, name="rgba.onnx"),
        "opset": classifier(folder, opset=22, name="opset.onnx"),
        "no dimensions": network(
            [one("Relu", ["x"], ["y"])], [("x", [])], [("y", [])], name="zero.onnx", folder=folder
        ),  # fmt: skip
        "several inputs": network(
            [one("Add", ["x", "z"], ["y"])],
            [("x", [1, 3, 32, 32]), ("z", [1, 3, 32, 32])],
            [("y", [1, 3, 32, 32])],
            name="several.onnx",
            folder=folder,
        ),  # fmt: skip
        "custom": network(
            [one("Magic", ["x"], ["y"], domain="acme")],
            [("x", [1, 3, 32, 32])],
            [("y", [1, 10])],
            name="custom.onnx",
            folder=folder,
        ),  # fmt: skip
        "yolo": network(
            [one("Reshape", ["x", "s"], ["y"])],
            [("x", [1, 3, 64, 56])],
            [("y", [1, 84, 128])],
            [("s", np.array([1, 84, 128], np.int64))],
            name="yolo.onnx",
            folder=folder,
        ),  # fmt: skip
    }
    return found | damaged(folder, plain)


def damaged(folder: Path, plain: Path) -> dict[str, Path]:
    content = plain.read_bytes()
    paths = {
        name: folder / f"{name}.bin" for name in ("cut", "text", "rknn", "empty", "huge", "zip", "other zip")
    }
    paths["cut"].write_bytes(content[: len(content) // 2])
    paths["text"].write_text("<html>not a model</html>")
    paths["rknn"].write_bytes(b"RKNN" + bytes(12))
    paths["empty"].write_bytes(b"")
    with paths["huge"].open("wb") as file:
        file.truncate(2 * 1024**3)
    for name, inside in (("zip", "deep/model.onnx"), ("other zip", "photo.png")):
        with zipfile.ZipFile(paths[name], "w") as archive:
            archive.writestr(inside, content)
    external = onnx.load(str(plain))
    paths["external"] = folder / "external.onnx"
    onnx.save(
        external, str(paths["external"]), save_as_external_data=True, size_threshold=0, location="w.bin"
    )
    return paths
