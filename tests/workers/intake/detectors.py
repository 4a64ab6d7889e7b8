"""Small detectors that end as published ones do: YOLOv8, v5 and X, an SSD and a NanoDet."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from onnx import helper

from tests.workers.intake.networks import network

SIZE, CLASSES, ANCHORS = 96, 3, 3
STRIDES = (8, 16, 32)
# Not YOLOv5's usual ones.
OWN_ANCHORS = np.array(
    [[[8, 9], [17, 12], [20, 30]], [[33, 40], [50, 31], [40, 60]], [[61, 70], [90, 80], [99, 99]]]
)


class Build:
    """Nodes and constants, named by their number."""

    def __init__(self):
        self.random = np.random.default_rng(4)
        self.nodes, self.constants = [], []

    def add(self, kind, *inputs, outputs=1, **attributes):
        names = [f"n{len(self.nodes)}_{number}" for number in range(outputs)]
        given = [one if isinstance(one, str) else self.constant(one) for one in inputs]
        self.nodes.append(helper.make_node(kind, given, names, **attributes))
        return names[0] if outputs == 1 else names

    def constant(self, value):
        value = np.asarray(value)
        self.constants.append(
            (f"k{len(self.constants)}", value.astype(np.float32) if value.dtype.kind == "f" else value)
        )
        return self.constants[-1][0]

    def conv(self, at, inside, outside, side=1, **attributes):
        weights = self.random.normal(size=(outside, inside, side, side)) / side
        return self.add("Conv", at, weights, self.random.normal(size=outside), **attributes)

    def grids(self):
        """(name, cells a side, stride) of each grid."""
        at, inside, found = "image", 3, []
        for stride in STRIDES:
            step = 8 if stride == 8 else 2
            at, inside = self.add("Relu", self.conv(at, inside, 8, step, strides=[step, step])), 8
            found.append((at, SIZE // stride, stride))
        return found

    def saved(self, folder: Path, name: str, outputs):
        shapes = [(one, ["?"] * rank) for one, rank in outputs]
        return network(
            self.nodes, [("image", [1, 3, SIZE, SIZE])], shapes, self.constants, 13, f"{name}.onnx", folder
        )


def cells(side):
    return np.stack(np.meshgrid(np.arange(side), np.arange(side)), -1).reshape(-1, 2).astype(float)


def yolov8(folder: Path) -> Path:
    """Distributions of 16 bins, their means by a convolution, boxes by centre and size."""
    build, rows, places, strides = Build(), [], [], []
    for at, side, stride in build.grids():
        both = build.add("Concat", build.conv(at, 8, 64), build.conv(at, 8, CLASSES), axis=1)
        rows.append(build.add("Reshape", both, [1, 64 + CLASSES, side * side]))
        places.append(cells(side) + 0.5)
        strides.append(np.full(side * side, float(stride)))
    joined = build.add("Concat", *rows, axis=2)
    bins, scores = build.add("Split", joined, [64, CLASSES], axis=1, outputs=2)
    total = sum(map(len, places))
    odds = build.add(
        "Softmax",
        build.add("Transpose", build.add("Reshape", bins, [1, 4, 16, total]), perm=[0, 2, 1, 3]),
        axis=1,
    )
    mean = build.add("Reshape", build.add("Conv", odds, np.arange(16.0).reshape(1, 16, 1, 1)), [1, 4, total])
    near, far = build.add("Split", mean, [2, 2], axis=1, outputs=2)
    place = np.concatenate(places).T[None]
    first, last = build.add("Sub", place, near), build.add("Add", place, far)
    middle = build.add("Div", build.add("Add", first, last), np.array(2.0))
    box = build.add("Concat", middle, build.add("Sub", last, first), axis=1)
    box = build.add("Mul", box, np.concatenate(strides)[None, None])
    return build.saved(
        folder, "yolov8", [(build.add("Concat", box, build.add("Sigmoid", scores), axis=1), 3)]
    )


def yolov5(folder: Path, anchors=OWN_ANCHORS, name="yolov5") -> Path:
    """Three anchors in a cell; the decoding multiplies by them."""
    build, rows, one = Build(), [], 5 + CLASSES
    for (at, side, stride), own in zip(build.grids(), anchors, strict=True):
        raw = build.add("Reshape", build.conv(at, 8, ANCHORS * one), [1, ANCHORS, one, side, side])
        odds = build.add("Sigmoid", build.add("Transpose", raw, perm=[0, 1, 3, 4, 2]))
        middle, sides, rest = build.add("Split", odds, [2, 2, 1 + CLASSES], axis=4, outputs=3)
        grid = cells(side).reshape(1, 1, side, side, 2) - 0.5
        middle = build.add(
            "Mul", build.add("Add", build.add("Mul", middle, np.array(2.0)), grid), np.array(float(stride))
        )
        double = build.add("Mul", sides, np.array(2.0))
        wide = np.broadcast_to(own.astype(float)[None, :, None, None], (1, ANCHORS, side, side, 2))
        sides = build.add("Mul", build.add("Pow", double, np.array(2.0)), wide)
        table = build.add("Concat", middle, sides, rest, axis=4)
        rows.append(build.add("Reshape", table, [1, ANCHORS * side * side, one]))
    return build.saved(folder, name, [(build.add("Concat", *rows, axis=1), 3)])


def yolov5_raw(folder: Path) -> Path:
    """As YOLOv5, cut by its exporter: without decoding, and so without anchors."""
    build = Build()
    outputs = [build.conv(at, 8, ANCHORS * (5 + CLASSES)) for at, *_ in build.grids()]
    return build.saved(folder, "yolov5_raw", [(one, 4) for one in outputs])


def yolox(folder: Path) -> Path:
    """Exported without decoding."""
    build, rows = Build(), []
    for at, side, _stride in build.grids():
        parts = [
            build.conv(at, 8, 4),
            *(build.add("Sigmoid", build.conv(at, 8, count)) for count in (1, CLASSES)),
        ]
        rows.append(build.add("Reshape", build.add("Concat", *parts, axis=1), [1, 5 + CLASSES, side * side]))
    joined = build.add("Transpose", build.add("Concat", *rows, axis=2), perm=[0, 2, 1])
    return build.saved(folder, "yolox", [(joined, 3)])


def ssd(folder: Path, classes=CLASSES) -> Path:
    """Two boxes in a cell, relative to fixed ones, told as corners in shares of the image."""
    build, scores, boxes, fixed = Build(), [], [], []
    for at, side, stride in build.grids():
        for kind, count in ((scores, classes + 1), (boxes, 4)):
            turned = build.add("Transpose", build.conv(at, 8, 2 * count), perm=[0, 2, 3, 1])
            kind.append(build.add("Reshape", turned, [1, 2 * side * side, count]))
        middle = np.repeat((cells(side) + 0.5) / side, 2, axis=0)
        fixed.append(
            np.hstack(
                [middle, np.tile([[stride / 32, stride / 40], [stride / 20, stride / 33]], (side * side, 1))]
            )
        )
    prior = np.concatenate(fixed)[None]
    middle, sides = build.add("Split", build.add("Concat", *boxes, axis=1), [2, 2], axis=2, outputs=2)
    middle = build.add("Add", build.add("Mul", middle, 0.1 * prior[..., 2:]), prior[..., :2])
    sides = build.add("Mul", build.add("Exp", build.add("Mul", sides, np.array(0.2))), prior[..., 2:])
    half = build.add("Div", sides, np.array(2.0))
    corners = build.add("Concat", build.add("Sub", middle, half), build.add("Add", middle, half), axis=2)
    odds = build.add("Softmax", build.add("Concat", *scores, axis=1), axis=2)
    return build.saved(folder, f"ssd{classes}", [(odds, 3), (corners, 3)])


def nanodet(folder: Path) -> Path:
    """One convolution for classes and distances, an output for each grid's."""
    build, outputs = Build(), []
    for at, side, _stride in build.grids():
        parts = build.add("Split", build.conv(at, 8, CLASSES + 32), [CLASSES, 32], axis=1, outputs=2)
        for part, count in ((build.add("Sigmoid", parts[0]), CLASSES), (parts[1], 32)):
            row = build.add("Reshape", part, [1, count, side * side])
            outputs.append((build.add("Transpose", row, perm=[0, 2, 1]), 3))
    return build.saved(folder, "nanodet", outputs)


def other(folder: Path) -> Path:
    """As YOLOv8, but boxes are decoded in another way."""
    build, rows = Build(), []
    for at, side, _stride in build.grids():
        sides = build.add("Mul", build.add("Relu", build.conv(at, 8, 4)), np.array(3.0))
        both = build.add("Concat", sides, build.add("Sigmoid", build.conv(at, 8, CLASSES)), axis=1)
        rows.append(build.add("Reshape", both, [1, 4 + CLASSES, side * side]))
    return build.saved(folder, "other", [(build.add("Concat", *rows, axis=2), 3)])


def files(folder: Path) -> dict[str, Path]:
    made = [yolov8, yolov5, yolov5_raw, yolox, ssd, nanodet, other]
    return {one.__name__: one(folder) for one in made} | {"ssd of one": ssd(folder, 1)}
