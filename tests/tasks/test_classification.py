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

    def of(label, before, after):
        row = {"label": label, "before": before, "after": after, "scores": [0.4, None], "drift": 0.4}
        return task.change({"image": "images/a.png", **row}, names)

    change = of(1, 1, None)
    assert (change.image, change.truth, change.before, change.right) == ("a.png", "dog", "dog", False)
    assert (change.gain, change.gained, change.scores) == (-1, "wrong now", (0.4, None))
    assert of(7, 0, 7).truth == "class 7" and of(7, 0, 7).gained == "right now"
    assert of(1, 0, 2).gained == "still wrong"


def test_figures_of_one_metric_are_headed_by_it_and_others_by_general_words():
    assert tasks.metric_of(["classification", "classification"]) == ("top1", "Top-1")
    assert tasks.metric_of(["classification", "telepathy"]) == ("value", "Quality")
