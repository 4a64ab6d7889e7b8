"""From spec to plan: what is taken over, what is shrunk, what is refused."""

from __future__ import annotations

import pytest

from workers.contract import InputError
from workers.train.parameters import METHODS
from workers.train.plan import read_plan
from workers.train.tasks import TASKS

from .boxed import box_spec, stage_boxes
from .conftest import make_spec, stage


def test_it_takes_over_what_the_spec_says(spec, dataset):
    plan = read_plan(spec)
    assert plan.dataset == dataset
    assert plan.input_size == (64, 64)
    assert (plan.epochs, plan.batch_size, plan.learning_rate) == (12, 64, 0.1)
    assert (plan.train_images, plan.val_images, plan.num_classes) == (400, 16, 2)
    assert plan.steps_per_epoch == 6


def test_training_from_scratch_as_chosen_needs_no_notice(spec):
    assert read_plan(spec).notices == []


def test_it_passes_on_the_portals_notice(spec):
    spec["params"]["pretrained_notice"] = "The weights cannot be downloaded: trained from scratch."
    assert read_plan(spec).notices == ["The weights cannot be downloaded: trained from scratch."]


def test_it_has_no_notice_with_pretrained_weights(spec, tmp_path):
    weights = tmp_path / "weights.pdparams"
    weights.write_bytes(b"x")
    spec["inputs"]["pretrained"] = str(weights)
    assert read_plan(spec).notices == []


def test_it_shrinks_a_batch_that_would_leave_a_small_data_set_without_a_step(tmp_path):
    dataset = stage(tmp_path / "small", ["a", "b"], train=5, val=1)
    plan = read_plan(make_spec(dataset, ["a", "b"]))
    assert plan.batch_size == 2
    assert plan.learning_rate == pytest.approx(0.1 * 2 / 64)
    assert plan.steps_per_epoch == 5
    assert "only 10 training images" in plan.notices[0] or "only 10 training images" in plan.notices[1]


def test_it_accepts_class_names_with_spaces_and_in_chinese(tmp_path):
    names = ["安全帽", "no helmet at all"]
    plan = read_plan(make_spec(stage(tmp_path / "set", names, 20, 2), names))
    assert plan.class_names == names


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"input_size": [65, 65]}, "choose one of 64x64, 96x64, 224x224"),
        ({"epochs": 0}, "give 1 or more"),
        ({"batch_size": 0}, "give 1 or more"),
        ({"learning_rate": 0}, "give a number above 0"),
        ({"num_classes": 3}, "3 classes were asked for and 2 are named"),
        ({"num_classes": 1, "class_names": ["off"]}, "at least two classes"),
    ],
)
def test_it_refuses_with_what_to_change(spec, change, says):
    spec["params"].update(change)
    with pytest.raises(InputError, match=says):
        read_plan(spec)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("", "no images in train.txt"),
        ("images/a.png\n", "Line 1 of train.txt"),
        ("images/a.png 0\nimages/b.png 2\n", "Line 2 of train.txt"),
        ("images/a.png 0\n", "holds one image"),
    ],
)
def test_it_refuses_a_listing_that_cannot_be_trained(spec, dataset, content, says):
    (dataset / "train.txt").write_text(content)
    with pytest.raises(InputError, match=says):
        read_plan(spec)


def test_it_refuses_a_data_set_without_listing(spec, dataset):
    (dataset / "val.txt").unlink()
    with pytest.raises(InputError, match=r"no val.txt"):
        read_plan(spec)


def test_it_refuses_pretrained_weights_that_are_gone(spec):
    spec["inputs"]["pretrained"] = "/nowhere/weights.pdparams"
    with pytest.raises(InputError, match="not there any more"):
        read_plan(spec)


def test_an_unknown_method_is_refused(spec):
    spec["params"]["method"] = {"name": "magic"}
    with pytest.raises(InputError, match="choose one of qat, distill, prune, continue"):
        read_plan(spec)


def test_a_checkout_that_would_ignore_the_method_is_refused(spec):
    spec["params"] |= {"method": {"name": "qat"}, "checkouts": {"PaddleClas": "/opt/PaddleClas"}}
    with pytest.raises(InputError, match="leave PADDLECLAS_DIR empty"):
        read_plan(spec)


@pytest.mark.parametrize("method", METHODS)
def test_a_method_that_a_task_does_not_have_is_refused(tmp_path, method):
    spec = box_spec(stage_boxes(tmp_path, [[0]] * 8, [[0]]), method={"name": method})
    if method in TASKS["detection"].methods:
        assert read_plan(spec).method == {"name": method}
        return
    with pytest.raises(InputError, match=f"The method {method} cannot make models for detection"):
        read_plan(spec)
