"""What speaks against a classifier, from predictions written by hand."""

import pytest

from portal import tasks
from portal.tasks.doubts import Grade
from workers.datakit.scoring.intervals import wilson

NAMES = ["cat", "dog", "owl", "fox", "hen", "elk"]


def metrics(*answers: str, names=NAMES) -> dict:
    """``"cat>dog*3"``: three cats taken for dogs."""
    rows = []
    for answer in answers:
        pair, _, times = answer.partition("*")
        truth, _, said = pair.partition(">")
        for _ in range(int(times or 1)):
            label, predicted = names.index(truth), names.index(said) if said else None
            rows.append({"image": str(len(rows)), "label": label, "predicted": predicted, "score": 0.9})
    return tasks.get("classification").summarise(rows, names)


def doubts(after: dict, before: dict | None = None) -> list:
    return tasks.get("classification").doubts(after, before)


def test_nothing_speaks_against_a_model_that_is_mostly_right():
    assert doubts(metrics("cat>cat*9", "cat>dog", "dog>dog*10")) == []


def test_one_answer_for_every_image_is_worthless():
    (doubt,) = doubts(metrics("cat>cat*10", "dog>cat*9"))
    assert doubt.grade == Grade.WORTHLESS
    assert doubt.sentence == "The model predicts “cat” for every image."
    assert "labels" in doubt.advice


def test_one_answer_that_came_with_the_conversion_is_blamed_on_it():
    (doubt,) = doubts(metrics("cat>cat*10", "dog>cat*9"), metrics("cat>cat*10", "dog>dog*9"))
    assert doubt.grade == Grade.WORTHLESS and "quantization" in doubt.advice


def test_no_answer_at_all_is_worthless():
    (doubt,) = doubts(metrics("cat>*3", "dog>*3"))
    assert doubt.sentence == "The model predicts no class for any image."


def test_no_better_than_the_largest_class_is_worthless():
    (doubt,) = doubts(metrics("cat>cat*6", "cat>dog*2", "dog>cat*2"))
    assert doubt.grade == Grade.WORTHLESS
    assert doubt.sentence == (
        "The model is right on 60 % of the images. Always saying “cat” would be right on 80 %."
    )


def test_a_class_that_is_never_recognized_is_doubtful_and_named():
    (doubt,) = doubts(metrics("cat>cat*10", "dog>dog*10", "owl>cat"))
    assert (doubt.grade, doubt.sentence) == (Grade.DOUBTFUL, "No image of “owl” is recognized.")


def test_a_class_that_the_conversion_lost_is_named_as_lost():
    before = metrics("cat>cat*10", "dog>dog*10", "owl>owl*2")
    (doubt,) = doubts(metrics("cat>cat*10", "dog>dog*10", "owl>cat*2"), before)
    assert doubt.sentence == (
        "The conversion lost the class “owl”: none of its images is recognized any more."
    )


def test_many_classes_are_counted_beyond_the_first_three():
    found = doubts(metrics("cat>cat*9", "dog>dog*9", "owl>cat", "fox>dog", "hen>dog", "elk>dog"))
    assert found[0].sentence == "No image of “owl”, “fox”, “hen”, 1 more is recognized."


def test_a_low_figure_is_doubtful_and_names_the_weakest_classes():
    (doubt,) = doubts(metrics("cat>cat*7", "cat>dog*3", "dog>dog*8", "dog>cat*3"))
    assert doubt.grade == Grade.DOUBTFUL
    assert "71.43 % of the images" in doubt.sentence and "“cat”, “dog”" in doubt.advice


def test_one_class_alone_cannot_be_judged():
    assert doubts(metrics("cat>cat*3", names=["cat", "dog"])) == []


@pytest.mark.parametrize(
    ("right", "images", "low", "high"),
    [(15, 15, 0.796, 1.0), (0, 10, 0.0, 0.278), (50, 100, 0.404, 0.596), (352, 359, 0.960, 0.991)],
)
def test_the_interval_is_wilsons(right, images, low, high):
    """Reference figures: statsmodels.stats.proportion.proportion_confint(method="wilson")."""
    assert wilson(right, images) == pytest.approx((low, high), abs=5e-4)


def test_no_images_have_no_interval():
    assert wilson(0, 0) is None
    assert tasks.get("classification").interval(metrics()) is None
