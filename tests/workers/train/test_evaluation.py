"""Top-1, recall, precision and confusion from predictions."""

from __future__ import annotations

from workers.train.evaluation import summarise


def predictions(*pairs):
    return [
        {"image": "i", "label": label, "predicted": predicted, "score": 1.0} for label, predicted in pairs
    ]


def test_it_counts_true_classes_in_rows_and_predicted_ones_in_columns():
    summary = summarise(predictions((0, 0), (0, 1), (1, 1), (1, 1)), ["a", "b"])
    assert summary["confusion"] == [[1, 1], [0, 2]]
    assert summary["top1"] == 0.75
    assert summary["images"] == 4
    assert summary["per_class"][0] == {
        "id": 0, "name": "a", "images": 2, "correct": 1, "recall": 0.5, "precision": 1.0,
    }  # fmt: skip


def test_a_class_without_images_has_no_recall_and_one_never_predicted_no_precision():
    empty = summarise(predictions((0, 0)), ["a", "b"])["per_class"][1]
    assert empty["recall"] is None
    assert empty["precision"] is None
