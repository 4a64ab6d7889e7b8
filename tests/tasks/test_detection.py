"""What a detector's task decides for the portal."""

import pytest

from portal import tasks
from portal.core.untrusted import Malformed
from portal.tasks.doubts import Grade

TASK, NAMES = tasks.get("detection"), ["cat", "dog"]
CAT, DOG = {"label": 0, "box": [10, 10, 20, 20]}, {"label": 1, "box": [50, 50, 30, 30]}


def found(one, score=0.9):
    return {**one, "score": score}


def row(image, truth, boxes):
    return {"image": f"images/{image}.png", "width": 100, "height": 80, "truth": truth, "boxes": boxes}


def metrics(*rows):
    return TASK.summarise(list(rows), NAMES)


def doubts(after, before=None):
    return TASK.doubts(after, before)


def many(truth, boxes, count=30):
    return [row(str(number), truth, boxes) for number in range(count)]


GOOD = metrics(*many([CAT, DOG], [found(CAT), found(DOG)]))


def test_nothing_speaks_against_a_model_that_finds_what_is_there():
    assert doubts(GOOD) == []


def test_a_model_that_finds_nothing_is_worthless_and_says_what_to_look_at():
    (doubt,) = doubts(metrics(*many([CAT, DOG], [])))
    assert (doubt.grade, doubt.sentence) == (Grade.WORTHLESS, "The model finds no object.")
    assert "loss" in doubt.advice and "input size" in doubt.advice


def test_a_model_that_finds_nothing_any_more_was_lost_by_the_conversion():
    (doubt,) = doubts(metrics(*many([CAT, DOG], [])), GOOD)
    assert doubt.grade == Grade.WORTHLESS and "quantization" in doubt.advice


def test_a_class_that_the_conversion_lost_is_named():
    (doubt,) = doubts(metrics(*many([CAT, DOG], [found(CAT)])), GOOD)
    assert (doubt.grade, doubt.sentence) == (
        Grade.DOUBTFUL,
        "The conversion lost the class “dog”: the model does not find it any more.",
    )


def test_a_class_that_was_never_found_is_one_of_the_dataset():
    (doubt,) = doubts(metrics(*many([CAT, DOG], [found(CAT)])))
    assert doubt.sentence == "The model does not find “dog”." and "boxes" in doubt.advice


def test_few_boxes_and_none_at_all_are_said():
    assert doubts(metrics(row("a", [CAT], [found(CAT)])))[-1].sentence == (
        "There is only 1 box on the validation images."
    )
    assert "No validation image has a box" in doubts(metrics(row("a", [], [])))[0].sentence


def test_a_low_figure_is_doubtful():
    mixed = [*many([CAT], [found(CAT)], 20), *many([CAT], [], 40)]
    (doubt,) = doubts(metrics(*mixed))
    assert "AP50 is 33" in doubt.sentence and "“cat”" in doubt.advice


def test_golden_images_have_sure_boxes_of_different_classes():
    rows = [row("a", [], [found(CAT, 0.9)]), row("b", [], [found(CAT, 0.8)]), row("c", [], [found(DOG, 0.4)])]
    rows.append(row("d", [], [found(DOG, 0.3)]))
    assert TASK.golden(rows, 2) == [
        ("images/a.png", {"boxes": [found(CAT, 0.9)]}),
        ("images/c.png", {"boxes": [found(DOG, 0.4)]}),
    ]


def test_a_model_that_is_sure_of_nothing_has_a_golden_image_without_boxes():
    assert TASK.golden([row("a", [CAT], [found(CAT, 0.2)])], 3) == [("images/a.png", {"boxes": []})]
    assert TASK.golden([], 3) == []


def test_an_image_that_changed_is_told_with_its_boxes():
    (changed,) = TASK.changed(
        [row("a", [CAT, DOG], [found(CAT), found(DOG)])], [row("a", [CAT, DOG], [found(CAT)])]
    )
    change = TASK.change(changed, NAMES)
    assert (change.image, change.truth, change.before, change.after) == (
        "a.png",
        "2 boxes",
        "2 boxes",
        "1 box",
    )
    assert not change.right and (change.gain, change.gained) == (-1, "more mistakes")
    assert (change.overlay.width, change.overlay.height) == (100, 80)
    assert {(box.kind, box.name) for box in change.overlay.boxes} == {("truth", "cat"), ("lost", "dog")}


def test_mistakes_are_shown_with_most_of_them_first_and_by_class():
    rows = [
        row("fine", [CAT], [found(CAT)]),
        row("missed", [CAT, DOG], [found(CAT)]),
        row("worst", [CAT], [found(CAT), found({"label": 0, "box": [70, 0, 9, 9]}), found(DOG)]),
    ]
    shown = TASK.pictures(rows, None, None, NAMES)
    assert [(one.image, one.answer) for one in shown] == [
        ("worst.png", "0 missed, 2 extra"), ("missed.png", "1 missed, 0 extra"),
    ]  # fmt: skip
    assert [one.image for one in TASK.pictures(rows, 1, 0, NAMES)] == ["worst.png", "missed.png"]
    kinds = [box.kind for box in shown[1].overlay.boxes]
    assert sorted(kinds) == ["found", "lost"], "a box that was found hides the true one below it"


ANSWER = {"boxes": [{"label_id": 1, "label": "dog", "score": 1.0004, "box": [-2, 3.5, 40, 20]}]}


def test_a_boards_answer_becomes_a_prediction():
    clean = TASK.answer(ANSWER, "answer")
    before = row("a", [DOG], [found(DOG)])
    assert TASK.prediction(before, clean)["boxes"] == [{"label": 1, "score": 1, "box": [-2, 3.5, 40, 20]}]
    assert TASK.prediction(before, {})["boxes"] is None
    assert TASK.fault(clean, 2) == "" and "one of the 1 classes" in TASK.fault(clean, 1)


@pytest.mark.parametrize(
    "boxes",
    [
        None, {}, [1], [{}], [{**ANSWER["boxes"][0], "score": 2}], [{**ANSWER["boxes"][0], "label_id": -1}],
        [{**ANSWER["boxes"][0], "box": [1, 2, 3]}], [{**ANSWER["boxes"][0], "box": [1, 2, -3, 4]}],
        [{**ANSWER["boxes"][0], "box": [1, 2, 3, float("inf")]}], [{**ANSWER["boxes"][0], "box": "1234"}],
        ANSWER["boxes"] * 301,
    ],
)  # fmt: skip
def test_a_malformed_answer_is_refused(boxes):
    with pytest.raises(Malformed):
        TASK.answer({"boxes": boxes}, "answer")
