"""Runs side by side: Alice's and Bob's team compares, Charlie finds nothing."""

import pytest
from django.urls import reverse
from rest_framework.test import APIClient

from portal.runs.compare import Comparison, choose
from tests.seed import everything


@pytest.fixture
def rows(team, alice):
    return everything(team, alice)


def api(user, **query):
    client = APIClient()
    client.force_authenticate(user)
    return client.get("/api/v1/runs/compare/", query)


def text(answer):
    return " ".join(answer.content.decode().split())


def ids(*runs):
    return ",".join(str(run.pk) for run in runs)


def test_parameters_that_differ_stand_apart_from_equal_ones(rows, team):
    rows["failed"].params |= {"epochs": 40}
    rows["failed"].save()
    comparison = Comparison(choose(team, [ids(rows["done"], rows["failed"])]))
    differing = {row.name: row.values for row in comparison.differing}
    assert differing["epochs"] == [12, 40]
    assert differing["chips"] == ["rv1106", "rv1106, rk3566, rk3588"]
    assert {"seed", "recipe", "dataset_sha256"} <= {row.name for row in comparison.equal}


def test_results_stand_side_by_side_with_their_units(rows, bob):
    answer = api(bob, ids=ids(rows["done"], rows["failed"], rows["running"])).json()
    results = {row["name"]: row for row in answer["results"]}
    assert results["paddle_top1"]["values"] == [0.9903, 0.9903, None]
    assert results["int8_top1.rv1106"]["values"] == [0.987, 0.987, None]
    assert results["drop.rk3566"]["values"] == [None, 0.0033, None]
    virtual, board = f"device{rows['virtual'].pk}", f"device{rows['board'].pk}"
    assert results[f"board_top1.{virtual}"]["values"] == [0.987, 0.987, None]
    assert results[f"ms_median.{board}"] == {
        "name": f"ms_median.{board}", "unit": "ms", "values": [None, 6.31, None], "differs": True,
    }  # fmt: skip
    assert results["rknn_bytes.rv1106"]["values"][0] == 734_208
    assert any("Digits, at work" in notice for notice in answer["notices"])


def test_the_page_has_tables_and_charts_and_marks_a_virtual_board(bobs, rows):
    page = text(bobs.get(reverse("run-compare"), {"ids": [rows["done"].pk, rows["failed"].pk]}))
    for words in ("98.70 %", "0.33 points", "717.0 KB", "Virtual board (virtual)", 'data-curve="val/top1"'):
        assert words in page, words


def test_classes_are_compared_by_name_where_all_runs_have_them(seed, team):
    first, second = seed.version("A"), seed.version("B")
    second.class_names = [*reversed(second.class_names[1:]), "new"]
    second.content_hash = "f" * 64
    second.save()
    runs = [seed.run(first), seed.run(second)]
    models = [seed.train(run) for run in runs]
    measured = models[1].evaluations.get()
    measured.metrics["per_class"] = [
        {"id": n, "name": name, "recall": 0.5, "images": 10} for n, name in enumerate(second.class_names)
    ]
    measured.save()
    comparison = Comparison(choose(team, [ids(*runs)]))
    assert [row.name for row in comparison.classes] == first.class_names[1:]
    assert comparison.classes[-1].values == [[1.0, None], [0.5, None]]
    notices = " ".join(comparison.notices)
    assert "different data (A v1, B v1)" in notices
    assert "not all of them have 0, new." in notices


def test_the_same_data_brings_no_warning(rows, team):
    assert Comparison(choose(team, [ids(rows["done"], rows["failed"])])).notices == []


def test_curves_come_for_every_run_in_their_order(bobs, rows):
    answer = bobs.get(reverse("run-compare-curves"), {"ids": ids(rows["done"], rows["running"])}).json()
    assert [len(points) for points in answer["val/top1"]] == [12, 5]
    assert answer["train/loss"][0][0][0] == 1


@pytest.mark.parametrize(
    ("chosen", "sentence"),
    [
        ("", "chosen: 0"),
        ("1", "chosen: 1"),
        ("1,1", "chosen: 1"),
        ("1,2,3,4,5,6,7", "chosen: 7"),
        ("1,x", "“x” is no number of a run"),
        ("1,-2", "is no number of a run"),
        ("1,²", "is no number of a run"),
        ("1," + "9" * 30, "is no number of a run"),
    ],
)
def test_a_wrong_choice_is_told_in_a_sentence(bobs, bob, rows, chosen, sentence):
    for name in ("run-compare", "run-compare-curves"):
        answer = bobs.get(reverse(name), {"ids": chosen})
        assert answer.status_code == 400
    assert sentence in text(bobs.get(reverse("run-compare"), {"ids": chosen}))
    refused = api(bob, ids=chosen)
    assert refused.status_code == 400 and sentence in refused.json()["errors"]["ids"][0]


def test_another_teams_runs_are_as_unknown_as_any(client, rows, charlie, bob):
    chosen = ids(rows["done"], rows["failed"])
    client.force_login(charlie)
    answer = client.get(reverse("run-compare"), {"ids": chosen})
    assert answer.status_code == 404 and "Digits" not in text(answer)
    refused = api(charlie, ids=chosen)
    assert refused.status_code == 404
    assert f"no run {rows['done'].pk}, {rows['failed'].pk}" in refused.json()["detail"]


def test_runs_are_chosen_by_ticking_them(bobs, rows):
    for name in ("run-list", "history"):
        page = bobs.get(reverse(name)).content.decode()
        assert page.count('form="compare-form" name="ids"') == 3
        assert f'action="{reverse("run-compare")}"' in page
