"""Which task a conversion is for, and what a classifier's outputs are checked for and decoded to."""

from __future__ import annotations

import json

import pytest

from workers.contract import InputError, ToolchainError
from workers.convert.plan import read_plan
from workers.convert.tasks import TASKS

from .test_plan import spec

CLASSIFICATION = TASKS["classification"]


def test_a_plan_knows_its_task():
    assert read_plan(spec(task="classification")).task == "classification"


def test_a_specification_without_a_task_is_one_of_classification():
    assert read_plan(spec()).task == "classification"


@pytest.mark.parametrize("task", ["pose", "", "Classification", 7, ["classification"], {"a": 1}])
def test_an_unknown_task_is_refused_with_the_known_ones(task):
    with pytest.raises(InputError, match="does not know the task .*, only classification, detection: "):
        read_plan(spec(task=task))


@pytest.mark.toolchain
def test_the_program_refuses_an_unknown_task_before_any_tool_starts(make_job, convert, tmp_path):
    process, result = convert(make_job(tmp_path / "no.onnx", task="pose"))
    assert process.returncode == 1 and result["kind"] == "input"
    assert "does not know the task 'pose'" in result["message"]
    assert result["tool_seconds"] == {}


@pytest.mark.parametrize("shapes", [[], [[1, 3]], [[2]], [[1, 2, 1]], [[1, 2], [1, 2]]])
def test_a_model_with_other_outputs_is_no_classifier_of_these_classes(shapes):
    with pytest.raises(ToolchainError, match="the data set has 2 classes"):
        CLASSIFICATION.check_outputs(shapes, ["a", "b"])
    CLASSIFICATION.check_outputs([[1, 2]], ["a", "b"])


def test_the_truth_of_an_image_is_the_class_in_the_list(tmp_path):
    (tmp_path / "train.txt").write_text("images/a.png 1\nimages/b b.png 0\n", encoding="utf-8")
    samples = CLASSIFICATION.read_split(tmp_path, "train", 2)
    assert [(one.image, one.truth) for one in samples] == [("images/a.png", 1), ("images/b b.png", 0)]
    assert sorted(CLASSIFICATION.choose_calibration(samples, 5, 0)) == ["images/a.png", "images/b b.png"]


def test_the_metrics_are_those_that_the_portal_reads():
    rows = [{"image": "a", "label": 0, "predicted": 0, "score": 0.9}]
    assert json.loads(json.dumps(CLASSIFICATION.summarise(rows, ["a", "b"])))["top1"] == 1
