"""SSD detectors: boxes relative to fixed ones, classes and a background that share one score.

The fixed boxes are not looked up in the graph: its own decoding tells them, when it is run for zeros, and for
ones, in place of what the convolutions tell.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper

from workers.intake.editing import Edit
from workers.intake.ends import End, Found, Grids
from workers.intake.graphs import Wiring

BOX = 4
STEADY = 1e-3  # cells by which a fixed box may differ from cell to cell


@dataclass(frozen=True)
class Level:
    """One grid: its convolutions of scores and of boxes, and how many boxes a cell has."""

    grid: tuple[int, int]
    scores: End
    boxes: End

    @property
    def count(self) -> int:
        return self.boxes.channels // BOX

    @property
    def rows(self) -> int:
        return self.grid[0] * self.grid[1] * self.count


def find(wiring: Wiring, grids: Grids, size: tuple[int, int]) -> Found | None:
    levels = [_level(grid, ends) for grid, ends in grids]
    if any(one is None for one in levels):
        return None
    classes = {one.scores.channels // one.count for one in levels}
    told = _told(wiring, levels) if len(classes) == 1 else None
    if told is None:
        return None
    edit, cut, at, rows = Edit(wiring), [], 0, []
    for level in levels:
        shape = (*level.grid, level.count, BOX)
        own = [_centred(one[at : at + level.rows], told, size).reshape(shape) for one in told]
        rows += [np.arange(at, at + level.rows).reshape(shape[:3]).transpose(2, 0, 1).reshape(-1)]
        at += level.rows
        for number in range(level.count):
            places = _places(edit, level, number, [one[:, :, number] for one in own], size)
            if places is None:
                return None
            cut += [_scores(edit, level, number, max(classes)), *places]
    return Found("ssd", max(classes) - 1, cut, edit.done(cut), order=np.concatenate(rows))


def _level(grid: tuple[int, int], ends: list[End]) -> Level | None:
    scores = [end for end in ends if "Softmax" in end.after]
    boxes = [end for end in ends if "Softmax" not in end.after and end.channels % BOX == 0]
    if len(scores) != 1 or len(boxes) != 1:
        return None
    level = Level(grid, scores[0], boxes[0])
    whole = scores[0].channels % level.count == 0 and scores[0].channels // level.count > 1
    return level if whole else None


# --- what the file's decoding tells ---------------------------------------------------------------


def _told(wiring: Wiring, levels: list[Level]) -> list[np.ndarray] | None:
    """The file's boxes (rows × 4) for distances of zero, for centres moved by one, for sides grown by one."""
    shape = [1, sum(level.rows for level in levels), BOX]
    names = [one.name for one in wiring.model.graph.output if wiring.shapes.get(one.name) == shape]
    tails = [tail for name in names if (tail := _tail(wiring, levels, name)) is not None]
    if len(tails) != 1:
        return None
    try:
        session = onnxruntime.InferenceSession(tails[0].SerializeToString())
        given = [_given(levels, ones) for ones in ([], [0, 1], [2, 3])]
        return [session.run(None, one)[0][0].astype(float) for one in given]
    except Exception:  # no decoding of its own that runs alone
        return None


def _given(levels: list[Level], ones: list[int]) -> dict[str, np.ndarray]:
    """What the convolutions tell: zeros, but for these of the four numbers of each box."""
    found = {}
    for level in levels:
        value = np.zeros((1, level.count, BOX, *level.grid), np.float32)
        value[:, :, ones] = 1
        found[level.boxes.name] = value.reshape(1, -1, *level.grid)
    return found


def _tail(wiring: Wiring, levels: list[Level], output: str) -> onnx.ModelProto | None:
    """The part that makes ``output`` of what the convolutions of boxes tell; None if it needs more."""
    given = {level.boxes.name: [1, level.boxes.channels, *level.grid] for level in levels}
    waiting, nodes = [output], set()
    while waiting:
        name = waiting.pop()
        node = wiring.maker.get(name)
        if node is not None and node.op_type == "Conv" and name not in given:
            return None
        if name not in given and node is not None and id(node) not in nodes:
            nodes.add(id(node))
            waiting += node.input
    graph = wiring.model.graph
    tail = helper.make_graph(
        [node for node in graph.node if id(node) in nodes],
        "tail",
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in given.items()],
        [helper.make_tensor_value_info(output, TensorProto.FLOAT, None)],
        graph.initializer,
    )
    return helper.make_model(
        tail, opset_imports=wiring.model.opset_import, ir_version=wiring.model.ir_version
    )


def _centred(boxes: np.ndarray, told: list[np.ndarray], size: tuple[int, int]) -> np.ndarray:
    """As centre, width and height in pixels. If the centre moves, both corners do."""
    moved = told[1] - told[0]
    if np.allclose(moved[:, :2], moved[:, 2:], rtol=1e-3, atol=1e-6):
        boxes = np.hstack([(boxes[:, :2] + boxes[:, 2:]) / 2, boxes[:, 2:] - boxes[:, :2]])
    shares = float(np.abs(told[0]).max()) < BOX
    return boxes * ([*size, *size] if shares else 1)


# --- the network ----------------------------------------------------------------------------------


def _places(
    edit: Edit, level: Level, number: int, told: list[np.ndarray], size: tuple[int, int]
) -> list[str] | None:
    """The centre and the logarithms of the sides, in cells, for one of the boxes of each cell."""
    height, width = level.grid
    stride = np.array([size[0] / width, size[1] / height])
    cells = np.stack(np.meshgrid(np.arange(width), np.arange(height)), axis=-1)
    start = told[0][..., :2] / stride - cells
    shift = (told[1] - told[0])[..., :2] / stride
    with np.errstate(all="ignore"):
        sides, growth = np.log(told[0][..., 2:] / stride), np.log(told[2][..., 2:] / told[0][..., 2:])
    found = [_steady(one) for one in (start, shift, sides, growth)]
    if any(one is None for one in found) or not edit.is_plain(level.boxes.name):
        return None
    first = BOX * number
    return [
        edit.scaled(level.boxes.name, slice(first, first + 2), found[1], found[0]),
        edit.scaled(level.boxes.name, slice(first + 2, first + 4), found[3], found[2]),
    ]


def _steady(values: np.ndarray) -> np.ndarray | None:
    """The two numbers that every cell has; None if they differ."""
    flat = values.reshape(-1, 2)
    middle = (flat.max(axis=0) + flat.min(axis=0)) / 2
    return middle if bool((np.abs(flat - middle) <= STEADY).all()) else None


def _scores(edit: Edit, level: Level, number: int, count: int) -> str:
    """Without the background, the first of ``count``. Of two, a share is the sigmoid of the difference."""
    first = number * count
    if count == 2:
        return edit.sigmoid(edit.difference(level.scores.name, first + 1, first))
    parts = edit.split(level.scores.name, [count] * level.count)
    return edit.without_first(parts[number], count)
