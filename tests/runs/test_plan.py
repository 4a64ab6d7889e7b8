"""What a run may be: choices against recipes, chips and devices, with a sentence for each that cannot be."""

from __future__ import annotations

from dataclasses import replace

import pytest
from django.urls import reverse

from portal.core import configs
from portal.datasets.models import Dataset, DatasetVersion
from portal.devices.models import Device
from portal.jobs.models import Job, Status
from portal.runs import services
from portal.runs.models import Run
from portal.runs.plan import PARAMS, PlanError, channel_order, defaults, make_plan
from tests.datasets.index_builders import ready_version
from tests.graphs import chips_of

CHIPS = ["rv1106"]


def device(profile, pk=1):
    return Device(pk=pk, name=f"Board {pk}", profile=profile)


def refused(**choices) -> dict[str, str]:
    with pytest.raises(PlanError) as caught:
        make_plan(None, **{"chips": CHIPS, **choices})
    return caught.value.fields


@pytest.fixture
def small_chip(monkeypatch):
    """The RV1106 with room for pictures up to 128 pixels only."""
    chips = configs.chips() | {"rv1106": replace(configs.chips()["rv1106"], max_input_side=128)}
    monkeypatch.setattr(configs, "chips", lambda: chips)


@pytest.fixture
def rgb_board(monkeypatch):
    """A kind of board with an RV1106 that feeds pixels in the other order."""
    boards = configs.boards() | {"rgb-board": replace(configs.boards()["virtual"], channel_order="rgb")}
    monkeypatch.setattr(configs, "boards", lambda: boards)
    return device("rgb-board")


@pytest.mark.parametrize("preset", configs.presets())
def test_every_preset_makes_a_plan_for_every_chip(preset):
    plan = make_plan(None, preset=preset, chips=list(configs.chips()))
    assert plan.recipe == configs.presets()[preset].recipe
    assert [chip for chip, _ in plan.chips] == list(configs.chips())


@pytest.mark.parametrize("recipe", configs.recipes())
def test_every_size_of_every_recipe_fits_every_chip(recipe):
    for size in configs.recipes()[recipe].input_sizes:
        plan = make_plan(None, recipe=recipe, chips=list(configs.chips()), params={"input_size": size})
        assert plan.params["input_size"] == list(size)


def test_without_preset_and_recipe_it_is_the_fast_one():
    plan = make_plan(None, chips=CHIPS)
    assert (plan.preset, plan.params) == ("fast", defaults("fast"))


def test_a_preset_brings_its_parameters_and_what_is_chosen_wins():
    plan = make_plan(None, preset="fast", chips=CHIPS, params={"epochs": 3, "seed": "7", "name": ""})
    assert plan.params == defaults("fast") | {"epochs": 3, "seed": 7}


def test_another_recipe_than_the_presets_brings_its_own_parameters():
    plan = make_plan(None, preset="fast", recipe="mobilenet_v2_x0_25", chips=CHIPS)
    assert plan.params == defaults("", "mobilenet_v2_x0_25")


def test_a_size_that_the_chip_cannot_hold_is_refused_with_the_largest_that_it_can(small_chip):
    fields = refused(recipe="mobilenet_v3_large_x1_0", params={"input_size": "224x224"})
    assert fields == {
        "input_size": "Rockchip RV1106 takes images up to 128x128; choose a smaller size than 224x224."
    }
    assert refused(recipe="mobilenet_v3_large_x1_0")["input_size"], "also the recipe's own size"
    assert make_plan(None, preset="fast", chips=CHIPS).params["input_size"] == [64, 64]


def test_a_size_that_the_devices_chip_cannot_hold_is_refused_too(small_chip):
    with pytest.raises(PlanError, match="RV1106 takes images up to 128x128"):
        make_plan(None, recipe="mobilenet_v3_large_x1_0", devices=[device("virtual")])


def test_a_size_that_the_chip_cannot_hold_is_told_by_page_and_api_and_makes_nothing(
    small_chip, client, alice, team
):
    client.force_login(alice)
    dataset = Dataset.objects.create(team=team, created_by=alice, name="Pets")
    job = Job.objects.create(
        team=team, created_by=alice, kind="ingest", queue="default", status=Status.SUCCEEDED
    )
    version = DatasetVersion.objects.create(dataset=dataset, team=team, number=1, job=job)
    choices = {"dataset_version": version.pk, "preset": "accurate", "chips": CHIPS}
    sentence = "Rockchip RV1106 takes images up to 128x128; choose a smaller size than 224x224."
    answer = client.post("/api/v1/runs/", choices, content_type="application/json")
    assert answer.status_code == 400 and answer.json()["errors"] == {"input_size": [sentence]}
    answer = client.post(reverse("run-new"), choices)
    assert answer.status_code == 422 and sentence in answer.content.decode()
    assert Run.objects.count() == 0


def test_a_size_that_the_recipe_has_not_is_refused_with_those_that_it_has():
    for size in ("65x65", "big", [64], 64, [64.5, 64], {"width": 64}):
        sentence = refused(params={"input_size": size})["input_size"]
        assert sentence.startswith("PP-LCNet x0.25 can be trained at 64x64, 96x96")


def test_the_devices_own_channel_order_wins_for_its_chip(rgb_board):
    assert channel_order("rv1106") == "bgr"
    assert make_plan(None, chips=CHIPS, devices=[rgb_board]).chips == [("rv1106", "rgb")]


def test_two_devices_that_differ_in_channel_order_get_a_model_each(rgb_board):
    plan = make_plan(None, devices=[rgb_board, device("virtual", 2)])
    assert plan.chips == [("rv1106", "rgb"), ("rv1106", "bgr")]


def test_devices_of_one_chip_share_a_model_and_their_chip_need_not_be_named():
    plan = make_plan(None, devices=[device("virtual"), device("lockzhiner-vision-module", 2)])
    assert plan.chips == [("rv1106", "bgr")]
    plan = make_plan(None, chips=["rk3588", "rv1106"], devices=[device("virtual")])
    assert plan.chips == [("rv1106", "bgr"), ("rk3588", "rgb")]


def test_a_device_or_chip_named_twice_counts_once(team, alice):
    board = Device.objects.create(team=team, created_by=alice, name="Bench", profile="virtual", host="x")
    dataset = Dataset.objects.create(team=team, created_by=alice, name="Pets")
    version = DatasetVersion.objects.create(dataset=dataset, team=team, number=1)
    plan = make_plan(version, chips=["rk3588", "rk3588"], devices=[board, Device.objects.get(pk=board.pk)])
    assert plan.devices == [board]
    run = services.create_run(plan, team, alice)
    assert (run.steps.filter(kind="deploy").count(), len(chips_of(run))) == (1, 2)


@pytest.mark.parametrize(
    ("choices", "field", "words"),
    [
        ({"preset": "slow"}, "preset", "There is no preset 'slow'; choose one of fast, balanced, accurate, "),
        ({"recipe": "resnet"}, "recipe", "There is no recipe 'resnet'; choose one of"),
        ({"chips": ["rk1"]}, "chips", "There is no chip 'rk1'; choose from"),
        ({"chips": []}, "chips", "Choose at least one chip or device."),
        (
            {"params": {"augmentation": "wild"}},
            "augmentation",
            "Choose one of natural, symbols, handwriting.",
        ),
        ({"params": {"pretrained": "yes"}}, "pretrained", "Say true or false."),
        ({"params": {"momentum": 1}}, "momentum", "There is no parameter 'momentum'."),
    ],
)
def test_what_there_is_not_is_refused_with_what_there_is(choices, field, words):
    assert refused(**choices)[field].startswith(words)


@pytest.mark.parametrize("name", PARAMS)
def test_numbers_are_kept_within_their_range(name):
    kind, least, most = PARAMS[name]
    for good in (least, most, str(most)):
        assert make_plan(None, chips=CHIPS, params={name: good}).params[name] == kind(good)
    for bad in (least - 1, most + 1, float("inf"), float("nan"), "many", True, [1], {}):
        assert refused(params={name: bad})[name]


def test_half_an_epoch_is_refused_and_not_cut_off():
    assert refused(params={"epochs": 2.5}) == {"epochs": "2.5 is not a whole number."}
    assert refused(params={"learning_rate": 0}) == {"learning_rate": "It must be between 0.000001 and 10."}
    assert make_plan(None, chips=CHIPS, params={"epochs": 2.0}).params["epochs"] == 2


def test_every_wrong_choice_is_named_at_once():
    fields = refused(params={"epochs": 0, "batch_size": "x", "input_size": "1x1", "augmentation": "wild"})
    assert set(fields) == {"epochs", "batch_size", "input_size", "augmentation"}


@pytest.fixture
def boxes(team, alice):
    """A ready version of a detection set."""
    return ready_version(team, alice, "Boxes", task="detection")


def test_a_detection_set_is_trained_by_a_detectors_preset_unless_another_is_named(boxes):
    plan = make_plan(boxes, chips=CHIPS)
    assert plan.preset == "detection-fast"
    assert configs.recipes()[plan.recipe].task == "detection"
    assert configs.augmentations()[plan.params["augmentation"]].task == "detection"


def test_a_recipe_for_another_task_is_refused_with_those_that_fit(boxes):
    with pytest.raises(PlanError) as caught:
        make_plan(boxes, preset="fast", chips=CHIPS)
    said = caught.value.fields["dataset_version"]
    assert "This is a dataset for detection and the recipe is for classification" in said
    assert said.endswith("Recipes for it: picodet_m, picodet_s, picodet_xs.")


def test_an_augmentation_of_another_task_is_refused_with_those_that_fit():
    said = refused(recipe="picodet_s", params={"augmentation": "natural"})
    assert said["augmentation"] == "Choose one of scenes, signs."
