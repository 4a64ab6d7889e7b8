"""Boxes out of a detector's raw outputs: PicoDet's eight, and those of YOLO and SSD."""

from __future__ import annotations

import numpy as np
import pytest

from workers.datakit.decoding.detector import decode, grouping, positions
from workers.datakit.scoring.matching import iou

SIZE = (64, 32)  # width, height of the input
STRIDES = (8, 16, 32, 64)


def outputs(classes=2, seed=None):
    """The eight outputs: all scores 0, or noise."""
    noise = np.random.default_rng(seed)
    made = []
    for stride in STRIDES:
        shape = (-(-SIZE[1] // stride), -(-SIZE[0] // stride))
        blank = seed is None
        made.append(np.zeros((1, classes, *shape)) if blank else noise.random((1, classes, *shape)))
        made.append(np.zeros((1, 32, *shape)) if blank else noise.normal(size=(1, 32, *shape)) * 3)
    return [output.astype("float32") for output in made]


def put(made, level, label, y, x, score, distances):
    """One sharp box; ``distances`` to the left, top, right and bottom, in cells."""
    made[2 * level][0, label, y, x] = score
    for side, distance in enumerate(distances):
        made[2 * level + 1][0, 8 * side + distance, y, x] = 50


def test_a_box_reaches_its_distances_from_the_middle_of_its_cell():
    made = outputs()
    put(made, 0, 1, 2, 3, 0.81, (1, 2, 3, 1))
    assert decode(made, SIZE, SIZE) == [{"label": 1, "score": 0.81, "box": [20, 4, 32, 24]}]


def test_boxes_are_in_pixels_of_the_image_and_end_at_its_edge():
    made = outputs()
    put(made, 1, 0, 0, 0, 0.5, (1, 1, 1, 7))
    assert decode(made, SIZE, (128, 320)) == [{"label": 0, "score": 0.5, "box": [0, 0, 48, 320]}]


def test_a_distance_is_the_mean_of_its_distribution():
    made = outputs()
    made[0][0, 0, 1, 1] = 0.5  # all distributions are even: 3.5 cells to each side
    assert decode(made, SIZE, (640, 320), overlap=1)[0]["box"] == [0, 0, 400, 320]


def test_of_boxes_that_overlap_the_surest_of_each_class_is_kept():
    made = outputs()
    for label, x, score in ((0, 3, 0.9), (0, 4, 0.8), (1, 4, 0.7)):
        put(made, 0, label, 2, x, score, (2, 2, 2, 1))
        made[1][0, :, 2, x] = 0
        put(made, 0, label, 2, x, score, (2 + (x - 3), 2, 2 - (x - 3), 1))
    assert [(box["label"], box["score"]) for box in decode(made, SIZE, SIZE)] == [(0, 0.9), (1, 0.7)]


def test_faint_boxes_are_left_out_and_at_most_a_hundred_are_kept():
    made = outputs(classes=3, seed=3)
    assert len(decode(made, SIZE, SIZE, overlap=1)) == 100
    assert all(box["score"] > 0.9 for box in decode(made, SIZE, SIZE, least_score=0.9))


def test_distances_may_be_told_without_a_distribution():
    score, sides = np.zeros((1, 2, 2, 4), "float32"), np.zeros((1, 4, 2, 4), "float32")
    score[0, 1, 1, 2], sides[0, :, 1, 2] = 0.9, (1, 0.5, 0.25, 0.5)
    found = decode([score, sides], SIZE, SIZE)  # cells of 16 pixels
    assert found == [{"label": 1, "score": 0.9, "box": [24, 16, 20, 16]}]


def test_a_centre_and_the_logarithms_of_the_sides_are_in_cells_that_share_the_image_evenly():
    score = np.zeros((1, 1, 3, 4), "float32")
    middle, sides = np.zeros((1, 2, 3, 4), "float32"), np.zeros((1, 2, 3, 4), "float32")
    score[0, 0, 1, 2], middle[0, :, 1, 2], sides[0, :, 1, 2] = 0.8, (0.5, 0.25), np.log((1, 0.5))
    found = decode([score, middle, sides], (80, 90), (80, 90))  # cells of 20 by 30 pixels
    assert found == [{"label": 0, "score": 0.8, "box": [40, 30, 20, 15]}]


def test_last_cells_may_reach_over_the_edge():
    pair = [np.zeros((1, 1, 7, 7)), np.ones((1, 64, 7, 7))]
    assert positions(pair, (200, 200))[1][-1].tolist() == [-32, -32, 448, 448]  # 6.5 ± 7.5 cells of 32


@pytest.mark.parametrize(
    ("channels", "size"),
    [
        ([80, 64] * 3, 2), ([2, 4] * 9, 2), ([2, 2, 2] * 3, 3), ([4, 32, 4, 32], 2), ([], 0), ([3], 0),
        ([3, 5], 0), ([3, 4, 2, 4], 0), ([3, 4, 3, 8], 0), ([3, 2, 2, 3], 0), ([3, 2, 2, 3, 2, 4], 0),
        ([3, 0], 0),
    ],
)  # fmt: skip
def test_outputs_are_a_detectors_by_their_channels(channels, size):
    assert grouping(channels) == size


def plainly_decoded(made, least_score, overlap):
    """The same by loops over cells, sides and bins, for an image of ten times the input."""
    boxes = []
    for level, stride in enumerate(STRIDES):
        score, sides = made[2 * level][0], made[2 * level + 1][0]
        for label, y, x in np.argwhere(score > least_score):
            odds = [np.exp(sides[8 * side : 8 * side + 8, y, x].astype(float)) for side in range(4)]
            far = [stride * sum(bin * part for bin, part in enumerate(one)) / sum(one) for one in odds]
            cx, cy = (x + 0.5) * stride, (y + 0.5) * stride
            box = [10 * value for value in (cx - far[0], cy - far[1], far[0] + far[2], far[1] + far[3])]
            boxes.append((float(score[label, y, x]), int(label), box))
    kept = []
    for one in sorted(boxes, key=lambda box: -box[0]):
        if all(one[1] != other[1] or iou(one[2], other[2]) <= overlap for other in kept):
            kept.append(one)
    return kept[:100]


@pytest.mark.parametrize("seed", range(5))
def test_it_finds_what_loops_over_cells_and_boxes_find(seed):
    made, image = outputs(seed=seed), (10 * SIZE[0], 10 * SIZE[1])
    found = decode(made, SIZE, image, least_score=0.3)
    expected = plainly_decoded(made, 0.3, 0.6)
    assert [(box["label"], box["score"]) for box in found] == [
        (label, round(score, 4)) for score, label, _ in expected
    ]
    for box, (_, _, (left, top, width, height)) in zip(found, expected, strict=True):
        right, bottom = min(left + width, image[0]), min(top + height, image[1])
        left, top = max(left, 0), max(top, 0)
        assert box["box"] == pytest.approx([left, top, right - left, bottom - top], abs=0.1)
