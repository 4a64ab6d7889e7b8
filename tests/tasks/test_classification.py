"""What a classifier's task decides for the portal."""

from portal import tasks


def test_golden_pictures_are_the_surest_of_different_classes():
    rows = [
        {"image": "a", "label": 0, "predicted": 0, "score": 0.9},
        {"image": "b", "label": 0, "predicted": 0, "score": 0.95},
        {"image": "c", "label": 1, "predicted": 2, "score": 0.99},
        {"image": "d", "label": 1, "predicted": 1, "score": 0.4},
    ]
    assert tasks.get("classification").golden(rows, 3) == [("c", {"label_id": 2}), ("b", {"label_id": 0})]


def test_a_model_that_is_sure_of_nothing_still_has_a_golden_picture():
    assert tasks.get("classification").golden(
        [{"image": "a", "label": 0, "predicted": 1, "score": 0.3}], 3
    ) == [("a", {"label_id": 1})]


def test_a_change_is_told_with_the_names_of_classes():
    task, names = tasks.get("classification"), ["cat", "dog"]
    change = task.change(
        {"image": "images/a.png", "label": 1, "before": 1, "after": None, "drift": 0.4}, names
    )
    assert (change.image, change.truth, change.before, change.right) == ("a.png", "dog", "dog", False)
    assert (
        task.change({"image": "a", "label": 7, "before": 0, "after": 7, "drift": 0.1}, names).truth
        == "class 7"
    )


def test_figures_of_one_metric_are_headed_by_it_and_others_by_general_words():
    assert tasks.metric_of(["classification", "classification"]) == ("top1", "Top-1")
    assert tasks.metric_of(["classification", "telepathy"]) == ("value", "Quality")
