"""What was proven not to run on a chip is refused before anything is trained."""

from __future__ import annotations

import dataclasses
import json

import pytest
import yaml
from django.urls import reverse
from rest_framework.test import APIClient

from portal.core import configs
from portal.core.configs import Cost, Refusal
from portal.fitting import goals
from portal.runs import cloning, preflight, proof
from portal.runs.models import Run
from portal.runs.plan import PlanError, make_plan
from tests.bench import matrix

RECIPE, SIZE = "pp_lcnet_x0_25", (64, 64)  # those of the preset "fast"


@pytest.fixture
def written(monkeypatch):
    """Write into the recipe's file, as it were."""

    def write(**parts):
        books = dict(configs.recipes()) | {RECIPE: dataclasses.replace(configs.recipes()[RECIPE], **parts)}
        monkeypatch.setattr(configs, "recipes", lambda: books)

    return write


@pytest.fixture
def refused(written):
    written(refused=(Refusal("rv1106", SIZE, "Unsupported operator"),))


def signed_in(user):
    client = APIClient()
    client.force_authenticate(user)
    return client


def cost(**figures):
    return Cost("rv1106", SIZE, **{"cycles": 1, "memory_megabytes": 1.0, "rknn_megabytes": 1.0,
                                   "build_seconds": 1.0, **figures})  # fmt: skip


def test_a_run_of_what_the_compiler_refused_is_refused_and_says_why(refused):
    with pytest.raises(PlanError, match="the compiler refused it .Unsupported operator.") as raised:
        make_plan(None, preset="fast", chips=["rv1106"])
    assert list(raised.value.fields) == ["input_size"]
    assert "PP-LCNet x0.25 at 64x64 pixels cannot run on Rockchip RV1106" in str(raised.value)
    assert make_plan(None, preset="fast", chips=["rk3588"])
    assert make_plan(None, preset="fast", chips=["rv1106"], params={"input_size": "96x96"})


@pytest.mark.parametrize(
    ("figures", "words"),
    [
        ({"memory_megabytes": 65.0}, "it needs 65.0 MB of memory, and a model may use 64 MB there"),
        ({"cpu_operators": ("Sqrt", "Concat")}, "the CPU there has no Sqrt"),
    ],
)
def test_what_was_built_and_cannot_run_is_refused(written, figures, words):
    written(costs=(cost(**figures),))
    with pytest.raises(PlanError, match=words):
        make_plan(None, preset="fast", chips=["rv1106"])


def test_operators_of_a_chip_that_are_not_known_hold_nobody_up(written):
    written(costs=(dataclasses.replace(cost(cpu_operators=("Sqrt",)), chip="rk3588"),))
    assert make_plan(None, preset="fast", chips=["rk3588"])


def test_the_api_and_the_form_say_it_at_the_input_size(refused, seed, alices, alice):
    version = seed.version("Signs")
    given = {"dataset_version": version.pk, "preset": "fast", "chips": ["rv1106"]}
    answer = signed_in(alice).post("/api/v1/runs/", given, format="json")
    assert answer.status_code == 400 and "the compiler refused it" in answer.content.decode()
    page = alices.post(reverse("run-new"), given)
    assert page.status_code == 422 and "the compiler refused it" in page.content.decode()


def test_a_person_who_knows_better_has_it_built_all_the_same(refused, seed, alices, alice):
    version = seed.version("Signs")
    given = {"dataset_version": version.pk, "preset": "fast", "chips": ["rv1106"]}
    page = alices.post(reverse("run-new"), given).content.decode()
    assert "If you know better, choose to build it anyway." in page
    assert alices.post(reverse("run-new"), given | {"build_anyway": "yes"}).status_code == 302
    insisted = given | {"params": {"build_anyway": True}}
    answer = signed_in(alice).post("/api/v1/runs/", insisted, format="json")
    assert answer.status_code == 201, answer.json()
    assert cloning.choices(Run.objects.get(pk=answer.json()["id"]))["params"]["build_anyway"] is True


def test_the_cards_of_presets_and_the_page_of_costs_show_it(refused, alices, team):
    assert "cannot run on Rockchip RV1106: the compiler" in alices.get(reverse("run-new")).content.decode()
    found = preflight.matrix(team, "rv1106")
    assert len(found.obstacles) == 1
    page = alices.get(reverse("run-costs"), {"chip": "rv1106"}).content.decode()
    assert "cannot run" in page and "the compiler refused it (Unsupported operator)" in page


def test_a_search_leaves_it_out(refused, seed):
    goal = goals.check(seed.version("Signs"), "rv1106", limits={}, minutes=600, recipes=[RECIPE])
    reasons = {one.size: str(one.left_out) for one in goal.proposals}
    assert "the compiler refused it" in reasons[SIZE] and "refused" not in reasons[96, 96]


def test_what_was_never_built_for_a_chip_says_so(written, alices, team):
    written(costs=(), chips={})
    cells = [cell for line in preflight.matrix(team, "rv1106").lines for cell in line.cells if cell]
    assert not all(cell.is_tried for cell in cells) and any(cell.is_tried for cell in cells)
    assert "not tried" in alices.get(reverse("run-costs"), {"chip": "rv1106"}).content.decode()
    assert "Not tried on Rockchip RV1106 yet" in alices.get(reverse("run-new")).content.decode()


def test_every_proof_in_configs_can_be_read_again_as_the_bench_writes_it():
    text = "name: tiny\n# Untrained\ncosts:\n  - {chip: a, input_size: [1, 2], cycles: 5}\nlicense: free\n"
    rows = {("b", 1, 2): matrix.row_of("b", [1, 2], {"refused": "It's: no\n"})}
    once = matrix.written(text, rows)
    assert matrix.written(once, {}) == once
    assert yaml.safe_load(once) == {
        "name": "tiny", "license": "free", "costs": [{"chip": "a", "input_size": [1, 2], "cycles": 5}],
        "refused": [{"chip": "b", "input_size": [1, 2], "reason": "It's: no"}],
    }  # fmt: skip
    better = {
        "cycles": 1,
        "memory_megabytes": 1,
        "rknn_megabytes": 1,
        "build_seconds": 1,
        "cpu_operators": [],
    }
    again = yaml.safe_load(matrix.written(once, {("b", 1, 2): matrix.row_of("b", [1, 2], better)}))
    assert "refused" not in again and len(again["costs"]) == 2


def test_the_recipes_of_the_api_tell_what_was_refused(refused, bob):
    book = signed_in(bob).get("/api/v1/recipes/").json()["recipes"][RECIPE]
    assert json.dumps(book["refused"]) == (
        '[{"chip": "rv1106", "input_size": [64, 64], "reason": "Unsupported operator"}]'
    )


def test_nothing_in_configs_is_known_to_fail_in_a_preset():
    for name, preset in configs.presets().items():
        assert proof.against_targets(preset.recipe, preset.input_size, configs.chips()) is None, name
