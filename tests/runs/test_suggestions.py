"""What a new run suggests, and what the form says that it would take."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from portal.core import configs
from portal.devices.models import Device
from portal.jobs.models import Job, Status
from portal.models.models import CompiledModel, Model, Origin
from portal.runs import plan
from portal.runs.estimates import START_SECONDS, Estimates
from portal.runs.suggestions import fitting_preset
from tests.datasets.index_builders import ready_version
from tests.runs.test_input_fit import of_sides

pytestmark = pytest.mark.django_db
CHIP = "rv1106"
FIGURES = {"cycles": 500_000, "bytes": 600_000, "seconds": 5.0}


@pytest.fixture
def version(team, alice):
    return ready_version(team, alice)


def device(team, alice, name="Line 1") -> Device:
    return Device.objects.create(
        team=team, name=name, host="10.1.1.144", username="root", profile="lockzhiner-vision-module",
        host_key="ssh-ed25519 SHA256:x", created_by=alice,
    )  # fmt: skip


def measured(version, preset: str, seconds: float) -> None:
    """A training with the preset took so long, and its conversion half a minute."""
    start, team = timezone.now(), version.team
    done = {"status": Status.SUCCEEDED, "team": team, "started_at": start}
    train = Job.objects.create(
        kind="train", queue="train", finished_at=start + timedelta(seconds=seconds), **done
    )
    model = Model.objects.create(
        task="classification", team=team, name="Earlier", recipe=configs.presets()[preset].recipe,
        params=plan.defaults(preset, version=version), dataset_version=version, job=train,
    )  # fmt: skip
    build = Job.objects.create(
        kind="convert", queue="convert", finished_at=start + timedelta(seconds=30), **done
    )
    facts = {"rknn_bytes": 600_000, "cost": {"cycles": 86_592}}
    CompiledModel.objects.create(model=model, chip=CHIP, job=build, facts=facts)


def estimate(version, preset: str):
    params = plan.defaults(preset, version=version)
    return Estimates(CHIP).of(configs.presets()[preset].recipe, params, version)


def test_earlier_jobs_tell_time_size_and_cycles(version):
    measured(version, "fast", seconds=150)
    found = estimate(version, "fast")
    assert (found.seconds, found.cycles, found.rknn_bytes) == (pytest.approx(180), 86_592, 600_000)


def test_a_pruned_model_tells_nothing_of_its_recipe(version):
    before = estimate(version, "fast")
    measured(version, "fast", seconds=150)
    Model.objects.update(origin=Origin.PRUNED)
    CompiledModel.objects.update(facts={"rknn_bytes": 300_000, "cost": {"cycles": 40_000}})
    assert estimate(version, "fast") == before


def test_time_grows_with_the_images(team, alice, version):
    measured(version, "fast", seconds=600)
    params = plan.defaults("fast", version=version)  # more images would need fewer epochs
    version.train_images *= 10
    found = Estimates(CHIP).of(configs.presets()["fast"].recipe, params, version)
    assert found.seconds == pytest.approx(10 * (600 - START_SECONDS) + START_SECONDS + 30)


def test_of_a_short_training_most_is_its_start(team, alice, version):
    measured(version, "fast", seconds=START_SECONDS + 5)
    params = plan.defaults("fast", version=version)
    params["epochs"] *= 20
    found = Estimates(CHIP).of(configs.presets()["fast"].recipe, params, version)
    assert found.seconds == pytest.approx(20 * 5 + START_SECONDS + 30)


def test_another_recipe_tells_nothing_of_time_and_the_recipe_s_file_tells_cycles(version):
    measured(version, "fast", seconds=150)
    accurate = Estimates(CHIP).of("mobilenet_v3_large_x1_0", plan.defaults("accurate"), version)
    book = configs.recipes()["mobilenet_v3_large_x1_0"].chips[CHIP]
    assert accurate.cycles == pytest.approx(book.cycles, rel=0.01)
    assert (accurate.seconds, accurate.scaled) == (None, False)


def test_what_was_measured_at_another_size_is_scaled_by_the_pixels(version):
    sizes = [one for one in configs.recipes()["pp_lcnet_x1_0"].costs if one.chip == CHIP]
    nearest = next(one for one in sizes if one.input_size == (128, 128))
    between = plan.defaults("balanced") | {"input_size": [112, 112]}
    found = Estimates(CHIP).of("pp_lcnet_x1_0", between, version)
    assert (found.cycles, found.scaled) == (round(nearest.cycles * (112 / 128) ** 2), True)
    assert (found.seconds, found.rknn_bytes) == (None, nearest.rknn_megabytes * 1e6)
    measured(version, "fast", seconds=150)
    assert not estimate(version, "fast").scaled
    larger = plan.defaults("fast", version=version) | {"input_size": [96, 96]}
    found = Estimates(CHIP).of("pp_lcnet_x0_25", larger, version)
    assert found.scaled and found.seconds == pytest.approx(2.25 * 150, rel=0.3)


def test_a_preset_says_that_its_figures_are_estimated(alices, version, monkeypatch):
    monkeypatch.setattr(Estimates, "_of_file", lambda self, recipe: {(100, 100): FIGURES})
    shown = page(alices)
    assert "million cycles on Rockchip RV1106</span> · <span title=" in shown and ">estimated</span>" in shown


@pytest.mark.parametrize(
    ("sides", "preset"),
    [({"s28": 9}, "fast"), ({"s1200": 9}, "balanced"), ({"s300": 5, "s40": 4}, "balanced")],
)
def test_the_preset_fits_the_size_of_the_images(version, sides, preset):
    version.statistics = of_sides(**sides)
    assert fitting_preset(version, Estimates(CHIP)) == preset


def test_a_preset_that_would_take_hours_is_not_suggested(version):
    version.statistics = of_sides(s300=9)
    measured(version, "balanced", seconds=10 * 3600)
    assert fitting_preset(version, Estimates(CHIP)) == "accurate"
    measured(version, "accurate", seconds=20 * 3600)
    assert fitting_preset(version, Estimates(CHIP)) == "fast"


def page(client, **query) -> str:
    return " ".join(client.get(reverse("run-new"), query).content.decode().split())


def test_the_newest_set_that_can_be_trained_and_the_only_device_are_chosen(alices, team, alice, version):
    only = device(team, alice)
    alike = {"level": "error", "code": "x", "message": "car and Car look like one class.", "count": 1}
    blocked = ready_version(team, alice, "Alike", findings=[alike | {"examples": []}])
    shown = page(alices)
    assert f'<option value="{version.pk}" selected>' in shown
    assert f'name="devices" value="{only.pk}" checked' in shown
    option = shown.partition(f'<option value="{blocked.pk}"')[2].partition("</option>")[0]
    assert "disabled" in option and "blocked: car and Car look like one class." in option


def test_of_two_devices_none_is_chosen(alices, team, alice, version):
    device(team, alice), device(team, alice, "Line 2")
    assert 'name="devices"' in page(alices) and " checked" not in page(alices).partition("3 · Target")[2]


def test_a_preset_says_what_it_would_take(alices, version):
    measured(version, "fast", seconds=150)
    assert "about 3 min on this server" in page(alices) and "585.9 KB, 0.087 million cycles on" in page(
        alices
    )


def test_names_and_no_keys_are_offered(alices, version):
    shown = page(alices).partition('id="presets"')[2].replace("presets-data", "")
    for name in configs.augmentations():
        assert f">{name}<" not in shown
    assert "Symbols and digits" in shown
