"""Finds the heads of YOLO detectors, and rewrites them as ``datakit/decoding/detector.py`` reads them.

A detector ends with convolutions on grids of cells; what follows tells boxes in its own way: joined to one
table, decoded with anchors, suppressed. The network is cut after those convolutions, and small layers that an
NPU computes (sigmoids, products) make scores from 0 to 1 and places of them. Where the file decodes boxes
itself, both must find the same boxes in noise: see ``proving.py``.
"""

from __future__ import annotations

import numpy as np
from onnx import numpy_helper

from workers.contract.messages import msg
from workers.datakit.decoding.detector import BINS, STRIDES
from workers.intake import ssd
from workers.intake.editing import Edit
from workers.intake.ends import End, Found, Grids, bins_of, ends_of
from workers.intake.graphs import Wiring

MOST_GRIDS = 6
BOX, OBJECT = 4, 1
USUAL_PLACES = (64, 68)  # channels of distributions in YOLOv8 and later, and in PP-YOLOE
ANCHORS = 3  # of a cell in YOLOv5 and YOLOv7
# YOLOv5's own for COCO, in pixels: exports without decoding do not hold theirs.
USUAL_ANCHORS = (
    ((10, 13), (16, 30), (33, 23)),
    ((30, 61), (62, 45), (59, 119)),
    ((116, 90), (156, 198), (373, 326)),
)


def find(wiring: Wiring, outputs: list[str], size: tuple[int, int]) -> Found | None:
    """The head of a detector for images of ``size`` (width, height); None if it is of no known kind."""
    grids = ends_of(wiring, outputs)
    if not 1 <= len(grids) <= MOST_GRIDS or len({len(ends) for _, ends in grids}) != 1:
        return None
    kinds = {1: (_joint, _anchored), 2: (_two, ssd.find), 3: (_with_objects,)}
    tries = (kind(wiring, grids, size) for kind in kinds.get(len(grids[0][1]), ()))
    return next((found for found in tries if found is not None), None)


# --- the kinds of heads ---------------------------------------------------------------------------


def _two(wiring: Wiring, grids: Grids, size: tuple[int, int]) -> Found | None:
    """YOLOv8 and later, PP-YOLOE, YOLOv6: a convolution of distances and one of classes."""
    place = _place_of(wiring, grids)
    if place is None:
        return None
    bins = grids[0][1][place].channels // BOX
    if bins == 1 and any("Softmax" in end.after for _, ends in grids for end in ends):
        return None
    edit, cut = Edit(wiring), []
    for _grid, ends in grids:
        cut += [edit.sigmoid(ends[1 - place].name), ends[place].name]
    family = "yolov8" if bins > 1 else "yolov6"
    return Found(family, grids[0][1][1 - place].channels, cut, edit.done(cut))


def _place_of(wiring: Wiring, grids: Grids) -> int | None:
    """Which of two convolutions has the distances; None if neither can, or both could."""
    counts = [{ends[number].channels for _, ends in grids} for number in (0, 1)]
    if any(len(one) != 1 for one in counts):
        return None
    bins = {bins_of(wiring, node) for node in wiring.model.graph.node if node.op_type == "Conv"} - {0}
    usual = {BOX * one for one in bins} or {BOX, *USUAL_PLACES}
    fits = [number for number in (0, 1) if counts[number] <= usual]
    return fits[0] if len(fits) == 1 or fits and counts[0] == counts[1] else None


def _joint(wiring: Wiring, grids: Grids, size: tuple[int, int]) -> Found | None:
    """NanoDet and the first PicoDet: one convolution, split into classes and distances."""
    counts = {tuple(_split_of(wiring, ends[0])) for _, ends in grids}
    if len(counts) != 1 or len(one := list(counts.pop())) != 2 or one[1] not in (BINS, *USUAL_PLACES):
        return None
    edit, cut = Edit(wiring), []
    for _grid, ends in grids:
        parts = edit.split(ends[0].name, one)
        if not parts:
            return None
        cut += [edit.sigmoid(parts[0]), parts[1]]
    is_picodet = one[1] == BINS and len(grids) == len(STRIDES)
    return Found("picodet" if is_picodet else "nanodet", one[0], cut, edit.done(cut))


def _split_of(wiring: Wiring, end: End) -> list[int]:
    """The channels of the parts into which a convolution is split; empty if it is not."""
    readers = wiring.readers.get(end.name, [])
    if len(readers) != 1 or readers[0].op_type != "Split":
        return []
    shapes = [wiring.shapes.get(name) or [] for name in readers[0].output]
    whole = all(len(shape) == 4 for shape in shapes)
    return [shape[1] for shape in shapes] if whole else []


def _with_objects(wiring: Wiring, grids: Grids, size: tuple[int, int]) -> Found | None:
    """YOLOX: convolutions of the box, of whether there is an object, and of classes."""
    first = [end.channels for end in grids[0][1]]
    if BOX not in first or OBJECT not in first:
        return None
    edit, cut, classes = Edit(wiring), [], set()
    for _grid, ends in grids:
        left = list(ends)
        box = _taken(left, BOX, {"Exp"}) or _taken(left, BOX, set())
        thing = _taken(left, OBJECT, set())
        if (
            box is None
            or thing is None
            or "Softmax" in left[0].after
            or not (parts := edit.split(box.name, [2, 2]))
        ):
            return None
        classes.add(left[0].channels)
        cut += [edit.product(edit.sigmoid(left[0].name), edit.sigmoid(thing.name)), *parts]
    if len(classes) != 1:
        return None
    return Found("yolox", classes.pop(), cut, edit.done(cut))


def _taken(ends: list[End], channels: int, after: set[str]) -> End | None:
    """Remove and return the first with so many channels that these operators follow."""
    for end in ends:
        if end.channels == channels and after <= end.after:
            ends.remove(end)
            return end
    return None


def _anchored(wiring: Wiring, grids: Grids, size: tuple[int, int]) -> Found | None:
    """YOLOv5 and YOLOv7: one convolution for the boxes of three anchors."""
    channels = {ends[0].channels for _, ends in grids}
    if len(channels) != 1 or (count := channels.pop()) % ANCHORS or count // ANCHORS <= BOX + OBJECT:
        return None
    if len(grids) != len(USUAL_ANCHORS) or any("Exp" in ends[0].after for _, ends in grids):
        return None
    classes, notes = count // ANCHORS - BOX - OBJECT, []
    anchors = _anchors(wiring, len(grids))
    if anchors is None:
        anchors = np.asarray(USUAL_ANCHORS, np.float32)
        notes.append(msg(
            "The file does not hold its anchors; YOLOv5's usual ones are taken. If the network has its own, "
            "its boxes will be wrong: export it with its decoding."
        ))  # fmt: skip
    edit, cut = Edit(wiring), []
    for ((height, _width), ends), of_grid in zip(grids, anchors, strict=True):
        parts = edit.split(ends[0].name, [2, 2, OBJECT, classes] * ANCHORS)
        if not parts:
            return None
        stride = 2 ** round(np.log2(size[1] / height))
        for number, anchor in enumerate(of_grid):
            middle, sides, thing, scores = parts[4 * number : 4 * number + 4]
            cut.append(edit.product(edit.sigmoid(scores), edit.sigmoid(thing)))
            cut.append(edit.distances(middle, sides, [float(side) / stride for side in anchor]))
    return Found("yolov5", classes, cut, edit.done(cut), notes)


def _anchors(wiring: Wiring, levels: int) -> np.ndarray | None:
    """Widths and heights in pixels, levels × 3 × 2, of the constants that a decoding export multiplies by."""
    found = []
    for tensor in wiring.model.graph.initializer:
        if len(tensor.dims) != 5 or tensor.dims[0] != 1 or tensor.dims[1] != ANCHORS or tensor.dims[4] != 2:
            continue
        value = numpy_helper.to_array(tensor)
        one = value[0, :, 0, 0]
        if np.array_equal(value, np.broadcast_to(one[None, :, None, None], value.shape)) and one.min() > 1:
            found.append(one.astype(np.float32))
    found.sort(key=lambda one: float(one.prod()))
    return np.stack(found) if len(found) == levels else None
