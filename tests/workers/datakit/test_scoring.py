"""Metrics of a classifier's predictions, and what changed between two stages."""

from __future__ import annotations

import pytest

from workers.datakit.scoring.classification import changed, compare, drift, summarise
from workers.datakit.scoring.intervals import chance_of


def predictions(*pairs):
    return [
        {"image": f"{number}.png", "label": label, "predicted": predicted, "score": 1.0}
        for number, (label, predicted) in enumerate(pairs)
    ]


def test_it_counts_true_classes_in_rows_and_predicted_ones_in_columns():
    summary = summarise(predictions((0, 0), (0, 1), (1, 1), (1, 1)), ["a", "b"])
    assert summary["confusion"] == [[1, 1], [0, 2]]
    assert (summary["top1"], summary["images"]) == (0.75, 4)
    assert summary["per_class"][0] == {
        "id": 0, "name": "a", "images": 2, "correct": 1, "recall": 0.5, "precision": 1.0,
    }  # fmt: skip


def test_a_class_without_images_has_no_recall_and_one_never_predicted_no_precision():
    empty = summarise(predictions((0, 0)), ["a", "b"])["per_class"][1]
    assert empty["recall"] is None and empty["precision"] is None


def test_no_images_have_no_accuracy():
    assert summarise([], ["a", "b"])["top1"] is None


def test_an_image_that_was_not_answered_counts_as_wrong():
    summary = summarise(predictions((0, None), (0, 0)), ["a", "b"])
    assert summary["top1"] == 0.5 and summary["per_class"][0]["recall"] == 0.5
    assert summary["confusion"] == [[1, 0], [0, 0]]


def test_two_stages_are_compared_on_the_same_images():
    before = predictions((0, 0), (0, 0), (1, 1), (1, 0), (1, 1))
    after = predictions((0, 0), (0, 1), (1, 1), (1, 0))
    assert compare(before, after) == {
        "images": 4, "before": 0.75, "after": 0.5, "drop": 0.25, "agreement": 0.75, "changed": 1,
        "lost": 1, "gained": 0, "drift": {"mean": 0.25, "worst": 1.0},
        "classes": [
            {"id": 0, "before": 1.0, "after": 0.5, "agreement": 0.5},
            {"id": 1, "before": 0.5, "after": 0.5, "agreement": 1.0},
        ],
    }  # fmt: skip
    (row,) = changed(before, after)
    assert (row["image"], row["label"], row["before"], row["after"], row["drift"]) == ("1.png", 0, 0, 1, 1.0)
    assert row["scores"] == [before[1]["score"], after[1]["score"]]


def test_stages_without_an_image_in_common_are_not_compared():
    found = compare([], predictions((0, 0)))
    assert (found["drop"], found["drift"], found["classes"]) == (None, {"mean": None, "worst": None}, [])


def scored(image, label, predicted, score):
    return {"image": image, "label": label, "predicted": predicted, "score": score}


def test_the_worst_changes_come_first():
    before = [
        scored("near.png", 0, 0, 0.51),
        scored("far.png", 0, 0, 0.9),
        scored("cured.png", 0, 1, 1.0),
    ]
    after = [
        scored("cured.png", 0, 0, 1.0),
        scored("near.png", 0, 1, 0.52),
        scored("far.png", 0, 1, 0.95),
    ]
    rows = changed(before, after)
    assert [row["image"] for row in rows] == ["far.png", "near.png", "cured.png"]
    assert [round(row["drift"], 2) for row in rows] == [0.85, 0.03, 1.0]


def test_a_missing_answer_moves_all_of_a_score():
    assert drift(scored("a", 0, 0, 0.8), scored("a", 0, None, None)) == 0.8
    assert drift(scored("a", 0, 0, 0.8), scored("a", 0, 0, 0.75)) == pytest.approx(0.05)


@pytest.mark.parametrize(
    ("lost", "gained", "chance"),
    [(0, 0, 1), (1, 0, 1), (3, 3, 1), (6, 0, 0.03125), (8, 1, 0.0390625), (2000, 1000, 0)],
)
def test_chance_says_how_little_an_uneven_change_means(lost, gained, chance):
    assert chance_of(lost, gained) == pytest.approx(chance, abs=1e-9)


def test_a_few_more_lost_than_gained_among_very_many_may_be_chance():
    assert 0.7 < chance_of(5010, 5000) < 1
