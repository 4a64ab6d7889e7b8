"""The same run again with changes, by page and API."""

import pytest
from django.urls import reverse
from rest_framework.test import APIClient

from portal.runs.models import Run
from portal.runs.plan import defaults
from tests.graphs import chips_of
from tests.seed import everything

OF_TEAM = {"max_drop": 0.03}  # what a team requires unless it says otherwise


@pytest.fixture
def rows(team, alice):
    return everything(team, alice)


def clone(user, run, **changes):
    client = APIClient()
    client.force_authenticate(user)
    return client.post(f"/api/v1/runs/{run.pk}/clone/", changes, format="json")


def test_a_clone_without_changes_has_the_same_plan(rows, alice):
    answer = clone(alice, rows["done"])
    assert answer.status_code == 201, answer.json()
    new = Run.objects.get(pk=answer.json()["id"])
    assert (new.cloned_from, new.name, new.preset) == (rows["done"], rows["done"].name, "fast")
    assert new.params == {**defaults("fast"), **OF_TEAM, **rows["done"].params}
    assert chips_of(new) == ["rv1106"]
    assert [step.device for step in new.steps.filter(kind="deploy")] == [rows["virtual"]]


def test_only_what_is_named_changes(rows, alice):
    changes = {"name": "Longer", "params": {"epochs": 40}, "devices": [], "chips": ["rk3588"]}
    new = Run.objects.get(pk=clone(alice, rows["done"], **changes).json()["id"])
    assert new.params == {**defaults("fast"), **OF_TEAM, **rows["done"].params, "epochs": 40}
    assert chips_of(new) == ["rk3588"]
    assert not new.steps.filter(kind="deploy").exists()


def test_another_preset_brings_its_own_parameters_but_keeps_those_that_were_chosen(rows, alice):
    run = rows["running"]
    run.params = {**defaults("fast"), "seed": 7}
    run.save()
    new = Run.objects.get(pk=clone(alice, run, preset="accurate").json()["id"])
    assert new.params == {**defaults("accurate", version=run.dataset_version), **OF_TEAM, "seed": 7}
    assert new.preset == "accurate" and new.recipe != run.recipe


def test_a_wrong_change_is_refused_at_its_field(rows, alice):
    answer = clone(alice, rows["done"], params={"epochs": 0})
    assert answer.status_code == 400 and "between 1 and 1000" in answer.json()["errors"]["epochs"][0]


def test_a_run_whose_recipe_is_gone_can_still_be_looked_at_and_cloned_with_another(rows, alice, client):
    run = rows["running"]
    run.recipe = run.preset = "of_last_year"
    run.save()
    client.force_login(alice)
    assert client.get(reverse("run-clone", args=[run.pk])).status_code == 200
    assert clone(alice, run).status_code == 400
    assert clone(alice, run, recipe="pp_lcnet_x1_0").status_code == 201


def test_a_viewer_may_not_clone_and_a_stranger_finds_nothing(rows, bob, charlie):
    assert clone(bob, rows["done"]).status_code == 403
    assert clone(charlie, rows["done"]).status_code == 404
    assert Run.objects.count() == 3


def test_the_clones_page_says_what_was_changed(rows, alice, client):
    new = clone(alice, rows["done"], params={"epochs": 40}, chips=["rv1106", "rk3588"]).json()["id"]
    client.force_login(alice)
    page = " ".join(client.get(reverse("run-detail", args=[new])).content.decode().split())
    assert f'Cloned from <a href="/runs/{rows["done"].pk}/">' in page
    assert "Epochs 12 → 40" in page and "Chips Rockchip RV1106 → Rockchip RV1106, Rockchip RK3588" in page
    assert "Seed 0" not in page[: page.index('id="run-live"')]
    assert f"/runs/compare/?ids={rows['done'].pk},{new}" in page


def test_the_form_of_a_clone_watches_what_is_changed(rows, alice, client):
    client.force_login(alice)
    page = client.get(reverse("run-clone", args=[rows["done"].pk])).content.decode()
    assert "data-changes" in page and "runs/changes.js" in page
    assert "data-changes" not in client.get(reverse("run-new")).content.decode()
