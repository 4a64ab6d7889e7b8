"""What is known before a run is started: the cost of recipes on chips, and what presets reached before."""

import dataclasses

import pytest
from django.urls import reverse

from portal.core import configs
from portal.core.configs import Cost
from portal.models.models import Evaluation
from portal.runs import experience, preflight
from portal.runs.models import Run
from portal.tasks import Stage
from tests.graphs import compiled_of
from tests.seed import everything


@pytest.fixture
def done(team, alice):
    return everything(team, alice)["done"]


def cells_of(found, recipe):
    line = next(one for one in found.lines if one.recipe.name == recipe)
    return [cell for cell in line.cells if cell]


def test_every_size_of_every_recipe_has_its_cost_before_anything_is_trained(team):
    found = preflight.matrix(team, "rv1106")
    assert [line.recipe.name for line in found.lines] == list(configs.recipes())
    cells = cells_of(found, "picodet_xs")
    assert [cell.estimate.cycles for cell in cells][:2] == [621298, 1269405]
    assert cells[0].ms == pytest.approx(621298 / (1e9 / 1024)) and not cells[0].obstacle
    assert not cells[0].estimate.scaled


def test_operators_on_the_cpu_and_too_much_memory_are_shown(team, monkeypatch):
    book = configs.recipes()["pp_lcnet_x0_25"]
    cost = Cost("rv1106", (64, 64), 90000, 900.0, 0.6, 1.0, cpu_operators=("Sqrt",))
    recipes = {book.name: dataclasses.replace(book, costs=(cost,))}
    monkeypatch.setattr(configs, "recipes", lambda: recipes)
    (line,) = preflight.matrix(team, "rv1106").lines
    assert line.cells[0].cpu_operators == ("Sqrt",) and line.cells[0].obstacle


def test_boards_that_are_slower_than_their_cycles_say_correct_the_time(team, done):
    compiled = compiled_of(done).first()
    board = Evaluation.objects.filter(stage=Stage.BOARD).first()
    Evaluation.objects.filter(stage=Stage.BOARD).exclude(pk=board.pk).delete()
    told = compiled.cost["cycles"] / (1e9 / 1024)
    type(board.device).objects.filter(pk=board.device_id).update(profile="lockzhiner-vision-module")
    Evaluation.objects.filter(pk=board.pk).update(
        compiled_model=compiled, metrics=board.metrics | {"ms_median": 3 * told}
    )
    found = preflight.matrix(team, "rv1106")
    assert found.factor == pytest.approx(3)


def test_the_page_is_there_for_every_chip(bobs):
    page = bobs.get(reverse("run-costs")).content.decode()
    assert "What recipes cost on Rockchip RV1106" in page and "derived from the chip" in page
    page = bobs.get(reverse("run-costs"), {"chip": "rk3588"}).content.decode()
    assert "clock is not published" in page
    assert "not tried at this one" in page and "leaves some operators to the board" in page
    assert bobs.get(reverse("run-costs"), {"chip": "z80"}).status_code == 200


def test_a_preset_says_what_its_newest_run_on_the_dataset_reached(done, alices, team):
    earlier = experience.of_presets(team, done.dataset_version)[done.preset]
    newest = max(Run.objects.filter(preset=done.preset, steps__kind="convert"), key=lambda run: run.pk)
    assert (earlier.run_id, earlier.keeps) == (newest.pk, True)
    page = alices.get(reverse("run-new"), {"version": done.dataset_version_id}).content.decode()
    assert f"On this dataset, run {newest.pk}:" in page and "misses the limits" not in page

    type(team).objects.filter(pk=team.pk).update(fail_under=0.999)
    page = alices.get(reverse("run-new"), {"version": done.dataset_version_id}).content.decode()
    assert "misses the limits" in page and 'placeholder="99.9"' in page


def test_other_datasets_and_teams_say_nothing(done, charlie, seed):
    other = seed.version("Another set")
    assert experience.of_presets(done.team, other) == {}
    assert experience.of_presets(charlie.memberships.get().team, done.dataset_version) == {}
    assert experience.of_presets(done.team, None) == {}
