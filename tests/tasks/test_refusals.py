"""Whether data can be trained on is what a task says of it, and nothing that a version keeps."""

import pytest
from django.utils import translation

from portal import tasks
from portal.core.messages import shown
from portal.tasks import DatasetFacts


def facts(task="classification", **fields):
    return DatasetFacts(task, **{"class_names": ["cat", "dog"], "train_images": 8, "val_images": 2, **fields})


def test_good_data_of_the_task_is_not_refused():
    assert tasks.get("classification").refusals(facts()) == []


def test_errors_in_the_data_are_why_it_is_refused():
    assert tasks.get("classification").refusals(facts(errors=["A class is empty."])) == ["A class is empty."]


def test_data_of_another_task_is_refused_with_both_names():
    (sentence,) = tasks.get("classification").refusals(facts("detection", errors=["no matter"]))
    assert sentence == (
        "This is a dataset for detection and the recipe is for classification: choose a dataset for "
        "classification, or a recipe for detection."
    )
    with translation.override("zh-hans"):
        assert "detection" not in shown(sentence)


@pytest.mark.parametrize("name", ["segmentation", "telepathy", ""])
def test_a_task_that_is_not_known_is_named_and_starts_nothing(name):
    task = tasks.get(name)
    (sentence,) = task.refusals(facts(name))
    assert sentence.startswith(f"This release cannot train for {name}: ")
    assert task.golden([{"image": "a"}], 3) == [] and task.summarise([{"image": "a"}], []) == {"images": 1}
