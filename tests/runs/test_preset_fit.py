"""A preset is fitted to a dataset of small or few images, unless a person chose otherwise."""

from __future__ import annotations

import pytest

from portal.datasets.models import DatasetVersion
from portal.runs import plan
from portal.runs.cloning import choices
from portal.runs.models import Run
from portal.runs.services import create_run
from tests.datasets.index_builders import ready_version
from tests.runs.test_input_fit import of_sides


def balanced(**version) -> dict:
    return plan.defaults("balanced", version=DatasetVersion(**version))


@pytest.mark.parametrize(
    ("counts", "side"),
    [({"s8": 9}, 64), ({"s28": 9}, 64), ({"s40": 9}, 128), ({"s100": 9}, 160), ({"s4000": 9}, 160),
     ({"s8": 6, "s300": 4}, 64), ({"s8": 5, "s300": 5}, 160), ({}, 160)],
)  # fmt: skip
def test_a_preset_s_input_fits_small_images(counts, side):
    assert balanced(statistics=of_sides(**counts))["input_size"] == [side, side]


@pytest.mark.parametrize(("side", "name"), [("s8", "handwriting"), ("s28", "natural"), ("s300", "natural")])
def test_images_of_a_few_pixels_are_not_cropped_to_fewer(side, name):
    assert balanced(statistics=of_sides(**{side: 9}))["augmentation"] == name


@pytest.mark.parametrize(
    ("preset", "side", "epochs"),
    [("balanced", "s8", 60), ("accurate", "s8", 80), ("balanced", "s28", 30), ("fast", "s8", 16)],
)
def test_images_of_a_few_pixels_are_trained_twice_as_long_where_they_are_turned(preset, side, epochs):
    version = DatasetVersion(statistics=of_sides(**{side: 9}), train_images=1437)
    assert plan.defaults(preset, version=version)["epochs"] == epochs


@pytest.mark.parametrize(
    ("images", "batch", "rate"), [(20, 16, 0.025), (1437, 16, 0.025), (3000, 32, 0.05), (9000, 64, 0.1)]
)
def test_few_images_are_trained_in_small_batches(images, batch, rate):
    params = balanced(train_images=images)
    assert (params["batch_size"], params["learning_rate"]) == (batch, pytest.approx(rate))


@pytest.mark.parametrize(("images", "epochs"), [(16, 160), (60, 160), (160, 64), (1437, 16), (9000, 16)])
def test_few_images_are_trained_for_enough_steps(images, epochs):
    version = DatasetVersion(train_images=images)
    assert plan.defaults("fast", version=version)["epochs"] == epochs


def test_a_preset_of_small_batches_for_small_images_stays_as_it_is():
    version = DatasetVersion(statistics=of_sides(s8=9), train_images=1437)
    assert plan.defaults("fast", version=version) == plan.defaults("fast")


def test_a_run_fits_its_input_unless_a_person_chose_one_and_so_does_its_clone(team, alice):
    version = ready_version(team, alice, "Signs", statistics=of_sides(s20=9))
    small, chips = plan.make_plan(version, preset="balanced", chips=["rv1106"]), {"chips": ["rv1106"]}
    assert small.params["input_size"] == [64, 64]
    chosen = plan.make_plan(version, preset="balanced", params={"input_size": [96, 96]}, **chips)
    assert chosen.params["input_size"] == [96, 96]
    run = create_run(small, team, alice)
    assert not {"input_size", "batch_size"} & set(choices(run)["params"])
    DatasetVersion.objects.update(statistics=of_sides(s300=9))
    run = Run.objects.get(pk=run.pk)
    assert choices(run)["params"]["input_size"] == [64, 64]  # of an earlier portal, or of other images
