"""Proves the reading of a detector: where its file decodes boxes, both must find the same ones in noise."""

from __future__ import annotations

import numpy as np

from workers.contract import InputError
from workers.contract.messages import Message, msg
from workers.datakit.decoding import detector

# Of the input's longer side, and of a score from 0 to 1.
NEAR, ALIKE = 0.01, 0.01
BOX = 4
# Other detectors end alike, with boxes told in another way.
ONLY_PROVEN = {"yolov6", "ssd"}


def prove(
    own: list[np.ndarray],
    cut: list[np.ndarray],
    size: tuple[int, int],
    *,
    family: str,
    order: np.ndarray | None = None,
) -> Message:
    """A note on what was compared. Raises InputError if the file's boxes are others, or if they cannot be
    compared and only they tell the family.

    ``own`` are the file's outputs and ``cut`` those of the cut network, for the same image of ``size``.
    ``order`` is that of ``ends.Found``.
    """
    scores, corners = detector.positions(cut, size)
    told = _told(own, len(scores), scores.shape[1])
    if order is not None:
        told = [(boxes[order], odds[order]) for boxes, odds in told]
    alike = [boxes for boxes, odds in told if float(np.abs(odds - scores).max()) <= ALIKE]
    if any(_near(boxes * scale, corners, size) for boxes in alike for scale in _scales(size)):
        return msg("Its own decoding was compared: both find the same boxes in noise.")
    if family in ONLY_PROVEN or (told and not any(_are_raw(boxes, cut) for boxes in alike)):
        raise InputError(
            msg(
                "The boxes that this detector tells are not those of a known kind of YOLO or SSD: export it "
                "as YOLOv5, v8, v11 or X do, or train a detector here."
            )
        )
    return msg(
        "The file tells no boxes that could be compared with ours: see in the measurement whether they are "
        "right."
    )


def _are_raw(boxes: np.ndarray, cut: list[np.ndarray]) -> bool:
    """Whether these are the places as the network tells them: YOLOX may be exported without decoding."""
    if detector.grouping([one.shape[1] for one in cut]) != 3:
        return False
    raw = [
        np.hstack([one[0].reshape(2, -1).T for one in cut[at + 1 : at + 3]]) for at in range(0, len(cut), 3)
    ]
    return bool(np.allclose(np.concatenate(raw), boxes, rtol=1e-2, atol=1e-2))


def _scales(size: tuple[int, int]) -> list[np.ndarray]:
    """Boxes are told in pixels or in shares of the image."""
    return [np.ones(BOX), np.array([*size, *size], float)]


def _near(boxes: np.ndarray, corners: np.ndarray, size: tuple[int, int]) -> bool:
    """As corners, or as centre and size."""
    middle, half = boxes[:, :2], boxes[:, 2:] / 2
    forms = boxes, np.hstack([middle - half, middle + half])
    limits = np.array([*size, *size]) * 2.0
    wanted = np.clip(corners, -limits, limits)
    return any(
        float(np.abs(np.clip(one, -limits, limits) - wanted).max()) <= NEAR * max(size) for one in forms
    )


def _told(own: list[np.ndarray], count: int, classes: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Boxes (count × 4) and scores (count × classes) that outputs with one row for each position may be."""
    rows = [one for one in (_rows(output, count) for output in own) if one is not None]
    if len(rows) == 1:
        boxes, rest = rows[0][:, :BOX], rows[0][:, BOX:]
        whole = {classes: rest, classes + 1: rest[:, :1] * rest[:, 1:]}  # with a score of being an object
        return [(boxes, whole[rest.shape[1]])] if rest.shape[1] in whole else []
    pairs = [(one, other) for one in rows for other in rows if one is not other and one.shape[1] == BOX]
    return [(one, other[:, -classes:]) for one, other in pairs if other.shape[1] - classes in (0, 1)]


def _rows(output: np.ndarray, count: int) -> np.ndarray | None:
    """1 × count × n, or 1 × n × count."""
    if output.ndim != 3 or output.shape[0] != 1:
        return None
    if output.shape[1] == count:
        return np.asarray(output[0], float)
    return np.asarray(output[0].T, float) if output.shape[2] == count else None
