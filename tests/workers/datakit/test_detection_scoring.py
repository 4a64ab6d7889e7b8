"""Metrics of a detector's predictions, and what changed between two stages."""

from __future__ import annotations

import random

import pytest

from workers.datakit.scoring.detection import changed, compare, mistakes, summarise
from workers.datakit.scoring.matching import iou, match

NAMES = ["cat", "dog"]


def true(label, *box):
    return {"label": label, "box": list(box)}


def found(label, score, *box):
    return {"label": label, "score": score, "box": list(box)}


def row(image, truth, boxes):
    return {"image": image, "width": 100, "height": 100, "truth": truth, "boxes": boxes}


CAT, DOG = true(0, 10, 10, 20, 20), true(1, 50, 50, 30, 30)
RIGHT = [found(0, 0.9, 10, 10, 20, 20), found(1, 0.8, 50, 50, 30, 30)]


def test_boxes_overlap_by_the_share_of_the_area_that_they_cover_together():
    assert iou([0, 0, 10, 10], [0, 0, 10, 10]) == 1
    assert iou([0, 0, 10, 10], [5, 0, 10, 10]) == pytest.approx(1 / 3)
    assert iou([0, 0, 10, 10], [10, 0, 10, 10]) == 0


def test_the_surest_box_takes_the_object_of_its_class_that_it_overlaps_most():
    wanted = [true(0, 0, 0, 10, 10), true(0, 2, 0, 10, 10), true(1, 2, 0, 10, 10)]
    boxes = [found(0, 0.9, 2, 0, 10, 10), found(0, 0.8, 2, 0, 10, 10), found(0, 0.7, 2, 0, 10, 10)]
    assert match(wanted, boxes) == [1, 0, None]


def test_boxes_that_lie_where_they_should_have_the_best_metrics():
    metrics = summarise([row("a", [CAT, DOG], RIGHT), row("b", [], [])], NAMES)
    assert (metrics["map"], metrics["ap50"]) == (pytest.approx(1), pytest.approx(1))
    assert (metrics["images"], metrics["boxes"], metrics["precision"], metrics["recall"]) == (2, 2, 1, 1)
    assert metrics["per_class"][1] == {
        "id": 1, "name": "dog", "images": 1, "boxes": 1, "ap": pytest.approx(1), "ap50": pytest.approx(1),
        "found": 1, "precision": 1, "recall": 1,
    }  # fmt: skip


def test_the_threshold_is_the_score_with_the_best_f1():
    noise = [found(0, score / 100, 70, 0, 9, 9) for score in (30, 20, 10)]
    metrics = summarise([row("a", [CAT, DOG], [*RIGHT, *noise])], NAMES)
    assert 0.3 < metrics["threshold"] <= 0.8 and metrics["precision"] == metrics["recall"] == 1
    assert metrics["curve"][0] == [0, 0.4, 1] and metrics["curve"][25] == [0.25, pytest.approx(2 / 3), 1]
    assert metrics["curve"][95] == [0.95, None, 0]


def test_a_class_without_boxes_has_no_precision_and_does_not_count():
    metrics = summarise([row("a", [CAT], RIGHT[:1])], NAMES)
    assert metrics["map"] == pytest.approx(1)
    assert metrics["per_class"][1]["ap"] is None and metrics["per_class"][1]["recall"] is None


@pytest.mark.parametrize("rows", [[], [row("a", [], [found(0, 0.9, 1, 1, 5, 5)])]])
def test_images_without_any_box_have_no_precision(rows):
    metrics = summarise(rows, NAMES)
    assert metrics["map"] is None and metrics["ap50"] is None and metrics["recall"] is None


def test_an_image_that_was_not_answered_counts_as_one_without_boxes():
    metrics = summarise([row("a", [CAT], None), row("b", [CAT], RIGHT[:1])], NAMES)
    assert metrics["recall"] == 0.5 and metrics["per_class"][0]["ap50"] == pytest.approx(51 / 101)


def test_a_model_that_finds_nothing_has_a_map_of_zero():
    metrics = summarise([row("a", [CAT, DOG], [])], NAMES)
    assert (metrics["map"], metrics["recall"], metrics["precision"]) == (0, 0, None)


def naive_ap(rows, label, least):
    """AP with 101 points of recall, written down as its definition says."""
    scored, total = [], 0
    for one in rows:
        truth = [box for box in one["truth"] if box["label"] == label]
        boxes = [box for box in one["boxes"] if box["label"] == label]
        total += len(truth)
        partners = match(truth, boxes, least)
        scored += [(box["score"], partner is not None) for box, partner in zip(boxes, partners, strict=True)]
    points, right = [], 0
    for place, (_, hit) in enumerate(sorted(scored, key=lambda pair: -pair[0]), start=1):
        right += hit
        points.append((right / total, right / place))
    best = [max((p for r, p in points if r >= step / 100 - 1e-9), default=0) for step in range(101)]
    return sum(best) / 101


def test_average_precision_is_that_of_its_definition():
    chance, rows = random.Random(1), []
    for image in range(30):
        truth = [
            true(
                chance.randrange(2), chance.randrange(60), chance.randrange(60), 20 + chance.randrange(20), 30
            )
            for _ in range(chance.randrange(4))
        ]
        moved = [
            found(
                one["label"], round(chance.random(), 4), one["box"][0] + chance.randrange(8), *one["box"][1:]
            )
            for one in truth
            if chance.random() < 0.8
        ]
        wrong = [found(chance.randrange(2), round(chance.random(), 4), 5, 5, 12, 12)]
        rows.append(row(str(image), truth, sorted(moved + wrong, key=lambda box: -box["score"])))
    metrics = summarise(rows, NAMES)
    for label in (0, 1):
        told = metrics["per_class"][label]
        assert told["ap50"] == pytest.approx(naive_ap(rows, label, 0.5), abs=0.003)
        steps = [naive_ap(rows, label, least / 100) for least in range(50, 100, 5)]
        assert told["ap"] == pytest.approx(sum(steps) / 10, abs=0.003)


def test_two_stages_are_compared_on_the_same_images():
    before = [row("a", [CAT, DOG], RIGHT), row("b", [CAT], RIGHT[:1]), row("c", [], [])]
    after = [row("a", [CAT, DOG], RIGHT[:1]), row("b", [CAT], RIGHT[:1])]
    told = compare(before, after)
    assert (told["images"], told["before"], told["after"]) == (2, pytest.approx(1), pytest.approx(0.5))
    assert (told["drop"], told["agreement"], told["changed"]) == (pytest.approx(0.5), 4 / 5, 1)
    assert (told["lost"], told["gained"]) == (1, 0)
    gone = RIGHT[1]["score"]
    assert told["drift"] == {"mean": pytest.approx(gone / 2), "worst": gone}
    assert [(one["id"], one["agreement"]) for one in told["classes"]] == [(0, 1), (1, 0)]
    assert told["classes"][1]["before"] == pytest.approx(1) and told["classes"][1]["after"] == 0


def test_stages_without_an_image_in_common_are_not_compared():
    told = compare([], [row("a", [CAT], RIGHT[:1])])
    assert told["drop"] is None and told["agreement"] is None


def test_stages_that_both_show_nothing_agree():
    assert compare([row("a", [], [])], [row("a", [], None)])["agreement"] == 1


def test_the_images_that_lost_most_right_boxes_come_first():
    extra = found(1, 0.7, 0, 0, 9, 9)
    before = [row("new", [CAT], RIGHT[:1]), row("same", [CAT], RIGHT[:1]), row("lost", [CAT, DOG], RIGHT)]
    after = [
        row("new", [CAT], [*RIGHT[:1], extra]),
        row("same", [CAT], RIGHT[:1]),
        row("lost", [CAT, DOG], []),
    ]
    rows = changed(before, after)
    assert [one["image"] for one in rows] == ["lost", "new"]
    assert (rows[0]["lost"], rows[0]["new"], rows[1]["new"]) == (RIGHT, [], [extra])
    assert mistakes([CAT, DOG], RIGHT[:1]) == ([DOG], []) and mistakes([DOG], [extra]) == ([DOG], [extra])


def test_a_box_whose_score_moved_a_little_over_the_threshold_is_no_change():
    sure = row("b", [DOG], [found(1, 0.26, 50, 50, 30, 30)])
    before, after = ([sure, row("a", [CAT], [found(0, score, 10, 10, 20, 20)])] for score in (0.26, 0.2))
    assert changed(before, after) == [] and compare(before, after)["agreement"] == 1
