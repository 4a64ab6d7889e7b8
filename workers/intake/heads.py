"""Finds where a network ends for a chip: at the scores of its classes, or at the raw outputs of a detector.

What follows (softmax, the best class, non-maximum suppression) is the board's work and is cut off.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import onnx

from workers.contract import InputError
from workers.contract.messages import Message, msg
from workers.datakit.tasks import CLASSIFICATION, DETECTION
from workers.intake import yolo
from workers.intake.graphs import Wiring

# Between the scores and the output: these change how scores are told, not which class is the best.
ACTIVATIONS = {"Softmax", "LogSoftmax", "Sigmoid", "HardSigmoid"}
TAILS = {*ACTIVATIONS, "ArgMax", "TopK", "Cast", "Identity", "Squeeze", "Unsqueeze", "Reshape", "Flatten"}
DISTANCES, LEVELS = 32, 4
BOXES = 100  # or more are rows of them
SUPPRESSION = "NonMaxSuppression"
PICODET = "picodet"


@dataclass(frozen=True)
class Head:
    """``cut`` are the tensors at which the network ends, ``classes`` how many it tells apart.

    ``family`` is a detector's: picodet, nanodet, yolov5, yolov6, yolov8, yolox or ssd. ``model`` is the
    network with layers that were added for the cut, if any were; ``order`` is that of ``ends.Found``.
    ``choices`` are the outputs of a classifier that may be its scores, with their numbers of classes, the
    most likely one first.
    """

    task: str
    classes: int
    cut: list[str]
    notes: list[Message] = field(default_factory=list)
    family: str = ""
    model: onnx.ModelProto | None = None
    order: np.ndarray | None = None
    choices: list[tuple[str, int]] = field(default_factory=list)


def find(wiring: Wiring, size: tuple[int, int], output: str = "") -> Head:
    """For images of ``size`` (width, height); ``output`` is the chosen one of a classifier's ``choices``.

    Raises InputError, naming outputs of no known task.
    """
    outputs = [value.name for value in wiring.model.graph.output]
    if output:
        return _chosen(wiring, outputs, output)
    found = _detector(wiring, outputs) or _classifier(wiring, outputs) or _yolo(wiring, outputs, size)
    if found is None:
        raise InputError(_unknown(wiring, outputs))
    return found


def _unknown(wiring: Wiring, outputs: list[str]) -> Message:
    shapes = ", ".join("×".join(map(str, wiring.shapes.get(name) or ["?"])) for name in outputs[:4])
    if _has_boxes(wiring, outputs):
        return msg(
            "Its outputs ({shapes}) look like those of a detector of a kind that this server does not know. "
            "Known are PicoDet, NanoDet, YOLOv5 to v11 and X, and an SSD with its decoding: export one of "
            "them, or train a detector here.",
            shapes=shapes,
        )
    return msg(
        "Its outputs ({shapes}) are neither the scores of classes, 1×classes, nor those of a detector: only "
        "classification and detection are known here. Export the network so that it ends with one of them.",
        shapes=shapes,
    )


def _has_boxes(wiring: Wiring, outputs: list[str]) -> bool:
    shapes = [wiring.shapes.get(name) or [] for name in outputs]
    nms = any(node.op_type == SUPPRESSION for node in wiring.model.graph.node)
    grids = [shape for shape in shapes if len(shape) in (4, 5)]
    rows = [shape for shape in shapes if len(shape) == 3 and max(map(_number, shape)) > BOXES]
    rows += [shape for shape in shapes if len(shape) == 2 and _number(shape[0]) > BOXES]
    table = [shape for shape in grids if _number(shape[1]) > 4 and _number(shape[-1]) > 1]
    return nms or len(grids) > 1 or bool(rows) or bool(table)


def _number(value: object) -> int:
    return value if isinstance(value, int) else 0


# --- classification -----------------------------------------------------------------------------


def _classifier(wiring: Wiring, outputs: list[str], output: str = "") -> Head | None:
    """``output``, or the most likely one that ends in the scores of classes; the others are left out."""
    heads = _scored(wiring, outputs)
    name = output or next(iter(heads), "")
    if name not in heads:
        return None
    head = heads[name]
    head.choices.extend((one, heads[one].classes) for one in heads)
    if others := ", ".join(one for one in outputs if one != name)[:200]:
        head.notes.append(
            msg(
                "The output {name} is kept; these outputs are left out: {names}.",
                name=name[:80],
                names=others,
            )
        )
    return head


def _chosen(wiring: Wiring, outputs: list[str], output: str) -> Head:
    head = _classifier(wiring, outputs, output)
    if head is None:
        raise InputError(
            msg("The network has no output {name} with the scores of classes.", name=output[:80])
        )
    return head


def _scored(wiring: Wiring, outputs: list[str]) -> dict[str, Head]:
    """By output: those that end in the scores of classes, first those that tell them as scores."""
    found: list[tuple[bool, str, Head]] = []
    for name in outputs:
        scores, passed = _before_tail(wiring, name)
        if (classes := _classes(wiring.shapes.get(scores))) is not None:
            head = Head(CLASSIFICATION, classes, [scores], _of_tail(passed))
            found.append((not ACTIVATIONS & set(passed), name, head))
    return {name: head for _, name, head in sorted(found, key=lambda one: one[0])}


def _before_tail(wiring: Wiring, name: str) -> tuple[str, list[str]]:
    """Walk back over operators that only tell the scores differently, as far as one of them matters."""
    scores, passed, at = name, [], name
    walked: list[str] = []
    while (node := wiring.maker.get(at)) is not None and node.op_type in TAILS:
        before = wiring.source(at)
        if before is None:
            break
        walked.append(node.op_type)
        at = before
        if node.op_type in ACTIVATIONS | {"ArgMax", "TopK"} and _classes(wiring.shapes.get(at)) is not None:
            scores, passed = at, list(walked)
    return scores, passed


def _of_tail(passed: list[str]) -> list[Message]:
    notes = []
    activations = [name for name in passed if name in ACTIVATIONS]
    if passed:
        names = ", ".join(reversed(passed))
        notes.append(msg("The end of the network ({names}) is cut off: the board computes it.", names=names))
    if len(activations) > 1:
        names = ", ".join(reversed(activations))
        notes.append(
            msg("It ended with {names}, one after the other: its scores were squeezed twice.", names=names)
        )
    if "Sigmoid" in activations:
        notes.append(
            msg(
                "It scored each class by itself (Sigmoid). Here the scores of all classes add up to 1, and "
                "only the best class is predicted."
            )
        )
    return notes


def _classes(shape: list | None) -> int | None:
    """The number of classes of a tensor 1×n or 1×n×1×1."""
    if not shape or len(shape) < 2 or not all(isinstance(side, int) for side in shape):
        return None
    rest = [side for side in shape[1:] if side != 1]
    return rest[0] if shape[0] == 1 and len(rest) == 1 and rest[0] > 1 and shape[1] == rest[0] else None


# --- detectors ----------------------------------------------------------------------------------


def _detector(wiring: Wiring, outputs: list[str]) -> Head | None:
    if (classes := _of_levels(wiring, outputs)) is not None:
        return Head(DETECTION, classes, outputs, family=PICODET)
    cut = _raw_outputs(wiring)
    classes = _of_levels(wiring, cut) if cut else None
    if classes is None:
        return None
    notes = [
        msg("The network is cut at PicoDet's raw outputs: the board decodes boxes and removes duplicates.")
    ]
    return Head(DETECTION, classes, cut, notes, PICODET)


def _yolo(wiring: Wiring, outputs: list[str], size: tuple[int, int]) -> Head | None:
    """A detector that ends with convolutions on grids, if its outputs look like boxes."""
    found = yolo.find(wiring, outputs, size) if _has_boxes(wiring, outputs) else None
    if found is None:
        return None
    note = msg(
        "The network is cut at the last convolutions of its detector: the board decodes boxes and removes "
        "duplicates."
    )
    return Head(
        DETECTION, found.classes, found.cut, [note, *found.notes], found.family, found.model, found.order
    )


def _of_levels(wiring: Wiring, names: list[str]) -> int | None:
    """The number of classes of eight outputs: scores and 32 distances for each level; None otherwise."""
    shapes = [wiring.shapes.get(name) or [] for name in names]
    if len(shapes) != 2 * LEVELS or any(len(shape) != 4 for shape in shapes):
        return None
    scores, distances = shapes[::2], shapes[1::2]
    same = all(one[2:] == two[2:] for one, two in zip(scores, distances, strict=True))
    if not same or {shape[1] for shape in distances} != {DISTANCES} or len({one[1] for one in scores}) != 1:
        return None
    return scores[0][1]


def _raw_outputs(wiring: Wiring) -> list[str]:
    """Scores and distances of each level, largest first, inside a network with decoding; empty if not found.

    The distances are a convolution's 32 channels, the scores the last product or sigmoid on the same grid.
    """
    distances: dict[tuple, str] = {}
    scores: dict[tuple, str] = {}
    for node in wiring.model.graph.node:
        shape = wiring.shapes.get(node.output[0]) or []
        if len(shape) != 4 or not all(isinstance(side, int) for side in shape):
            continue
        grid = tuple(shape[2:])
        if node.op_type == "Conv" and shape[1] == DISTANCES and not _goes_on(wiring, node.output[0]):
            distances[grid] = node.output[0]
        elif node.op_type == "Sigmoid" or (node.op_type == "Mul" and _of_sigmoids(wiring, node)):
            scores[grid] = node.output[0]
    grids = sorted(set(distances) & set(scores), reverse=True)
    if len(grids) != LEVELS:
        return []
    return [name for grid in grids for name in (scores[grid], distances[grid])]


def _goes_on(wiring: Wiring, name: str) -> bool:
    """Whether another convolution or an activation reads it: then it is inside the network."""
    kinds = {node.op_type for node in wiring.readers.get(name, [])}
    return bool(kinds & {"Conv", "Relu", "HardSwish", "LeakyRelu", "BatchNormalization", "Sigmoid"})


def _of_sigmoids(wiring: Wiring, node) -> bool:
    makers = [wiring.maker.get(name) for name in node.input]
    return all(maker is not None and maker.op_type == "Sigmoid" for maker in makers)
