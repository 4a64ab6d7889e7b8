"""What differs for a detector before and after it is trained: its dataset, its suite's files, its log."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from workers.contract import InputError, ToolchainError
from workers.train.paddledet_log import parse_line
from workers.train.plan import read_plan
from workers.train.progress import EvalLine, MarkLine, TrainLine
from workers.train.tasks import TASKS
from workers.train.yaml_files import CONFIGS, load_yaml

from .boxed import box_spec, stage_boxes
from .conftest import make_spec, stage

LOG = Path(__file__).parent / "logs" / "ppdet-2.6.0.log"
DETECTION = TASKS["detection"]
RECIPES = [
    recipe
    for path in sorted((CONFIGS / "models").glob("*.yaml"))
    if (recipe := load_yaml(path))["task"] == "detection"
]


def plan_of(tmp_path, train, val, test=(), **params):
    return read_plan(box_spec(stage_boxes(tmp_path / "dataset", train, val, test), **params))


def test_images_without_boxes_count_as_images(tmp_path):
    plan = plan_of(tmp_path, [[0], [], [1, 0], []], [[1], []], batch_size=2)
    assert (plan.train_images, plan.val_images) == (4, 2)


@pytest.mark.parametrize(("train", "val", "test", "split"), [
    ([[], []], [[0]], [], "train"),
    ([[0], [1]], [[], []], [], "val"),
    ([[0], [1]], [[0]], [[]], "test"),
])  # fmt: skip
def test_a_split_without_any_box_is_refused(tmp_path, train, val, test, split):
    with pytest.raises(InputError, match=f"No image of the {split} split has a box: add images with boxes"):
        plan_of(tmp_path, train, val, test)


def test_a_class_that_no_training_image_has_is_told(tmp_path):
    notices = plan_of(tmp_path, [[0], [0]], [[0], [1]]).notices
    assert "No training image has a box of a long name: the model cannot find it." in notices


def test_a_dataset_of_labels_is_refused(tmp_path):
    dataset = stage(tmp_path / "dataset", ["off", "on"], train=2, val=1)
    with pytest.raises(InputError, match="no boxes that can be read .*choose a dataset for detection"):
        read_plan(box_spec(dataset))


def test_a_dataset_of_boxes_is_no_dataset_of_labels(tmp_path):
    dataset = stage_boxes(tmp_path / "dataset", [[0], [1]], [[1]])
    with pytest.raises(InputError, match="is not an image and a class"):
        read_plan(make_spec(dataset, ["off", "on"]))


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: recipe["name"])
def test_every_place_of_the_suites_configuration_is_filled(tmp_path, recipe):
    for size in recipe["input_sizes"]:
        plan = plan_of(tmp_path / str(size), [[0]] * 8, [[1]], recipe=recipe, input_size=size)
        config = DETECTION.suite_configuration(plan, tmp_path)
        assert list(empty_places(config)) == ["pretrain_weights", "weights"]
        assert config["EvalReader"]["sample_transforms"][1]["Resize"]["target_size"] == size[::-1]


def empty_places(node, path=""):
    """The paths of values that are None."""
    if node is None:
        yield path
    pairs = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, value in pairs:
        yield from empty_places(value, f"{path}.{key}".lstrip("."))


def test_the_augmentation_of_another_task_is_refused(tmp_path):
    plan = plan_of(tmp_path, [[0]] * 8, [[1]], augmentation="natural")
    with pytest.raises(InputError, match="no augmentation 'natural': choose one of scenes, signs"):
        DETECTION.suite_configuration(plan, tmp_path)


def test_it_reads_every_step_and_the_validation_of_captured_epochs():
    said = [parse_line(line) for line in LOG.read_text(encoding="utf-8").splitlines()]
    steps = [line for line in said if isinstance(line, TrainLine)]
    assert [(line.epoch, line.step, line.steps) for line in steps] == [
        (epoch, step, 4) for epoch in (1, 2) for step in (1, 2, 3, 4)
    ]
    assert all(set(DETECTION.curves) <= line.values.keys() for line in steps)
    epochs = [line for line in said if isinstance(line, EvalLine)]
    assert [line.epoch for line in epochs] == [1, 2]
    assert all(line.values == {"map": 0.0, "ap50": 0.0} for line in epochs)


def test_it_reads_a_loss_that_is_not_a_number_and_our_own_marks():
    said = parse_line(
        "[11/29 10:24:37] ppdet.engine INFO: Epoch: [0] [ 9/14] learning_rate: 0.1 loss: nan eta: 0:00:03"
    )
    assert said.step == 10 and said.values["loss"] != said.values["loss"]
    assert parse_line("@@slipway@@ trained") == MarkLine("trained")
    assert parse_line("Epoch: [0] of something else") is None


def test_a_network_with_other_outputs_is_none_of_ours():
    outputs = [SimpleNamespace(name=f"out_{number}") for number in range(8)]
    assert DETECTION.cut_tensors(SimpleNamespace(output=outputs)) == [f"out_{number}" for number in range(8)]
    with pytest.raises(ToolchainError, match="has 2 outputs and not 8"):
        DETECTION.cut_tensors(SimpleNamespace(output=outputs[:2]))
