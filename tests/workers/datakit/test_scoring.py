"""Metrics of a classifier's predictions, and what changed between two stages."""

from __future__ import annotations

from workers.datakit.scoring.classification import changed, compare, summarise


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
    }  # fmt: skip
    assert changed(before, after) == [{"image": "1.png", "label": 0, "before": 0, "after": 1}]


def test_stages_without_an_image_in_common_are_not_compared():
    assert compare([], predictions((0, 0)))["drop"] is None
