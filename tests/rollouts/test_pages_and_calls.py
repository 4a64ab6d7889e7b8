"""Rollouts and groups by page, API and command.

Alice owns it, Bob is a colleague who may only look, Charlie is of another team.
"""

import pytest
from rest_framework.test import APIClient

from portal.rollouts import engine, services
from portal.rollouts.models import Group, Rollout
from tests.graphs import model_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def run(seed):
    run = seed.run(seed.version())
    seed.train(run)
    seed.convert(run)
    return run


@pytest.fixture
def boards(seed):
    return [seed.device(f"Board {n}", "virtual", host=f"10.0.0.{n}", probe={}) for n in range(3)]


@pytest.fixture
def rollout(run, boards, alice):
    made = services.create(model_of(run), alice, name="To the hall", devices=boards)
    engine.advance(made.pk)
    return made


def calling(person) -> APIClient:
    api = APIClient()
    api.force_authenticate(person)
    return api


def test_the_api_starts_shows_and_decides(alice, bob, charlie, run, boards, team):
    services.put_group(team, alice, name="Hall", devices=boards[:2])
    body = {
        "model": model_of(run).pk,
        "groups": [Group.objects.get().pk],
        "waves": ["1", "hall"],
        "may_fail": 0.5,
    }
    assert calling(bob).post("/api/v1/rollouts/", body, format="json").status_code == 403
    assert calling(charlie).post("/api/v1/rollouts/", body, format="json").status_code == 400
    made = calling(alice).post("/api/v1/rollouts/", body, format="json")
    assert made.status_code == 201, made.json()
    assert (made.json()["waves"], made.json()["counts"]) == (2, {"waiting": 2})
    address = f"/api/v1/rollouts/{made.json()['id']}/"
    assert calling(charlie).get(address).status_code == 404
    assert calling(alice).post(f"{address}pause/").json()["status"] == "paused"
    again = calling(alice).post(f"{address}pause/")
    assert again.status_code == 409 and "“Paused”" in again.json()["detail"]
    told = calling(bob).get(f"{address}boards/").json()["results"]
    assert {(row["wave"], row["state"]) for row in told} == {(1, "waiting"), (2, "waiting")}


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "devices"),
        ({"devices": [], "waves": ["some"]}, "waves"),
        ({"at_once": 0}, "at_once"),
        ({"opens": "22:00"}, "opens"),
        ({"opens": "22:00", "closes": "22:00"}, "opens"),
        ({"hours": 10**9}, "hours"),
    ],
)
def test_a_plan_that_makes_no_sense_is_refused_at_its_field(alice, run, boards, body, field):
    given = {"model": model_of(run).pk, "devices": [boards[0].pk]} | body
    if field == "devices":
        given["devices"] = []
    answer = calling(alice).post("/api/v1/rollouts/", given, format="json")
    assert answer.status_code == 400 and field in answer.json()["errors"]


def test_groups_are_made_replaced_and_removed(alice, charlie, boards):
    api, body = calling(alice), {"name": "Hall", "devices": [boards[0].pk], "time_zone": "Asia/Shanghai"}
    made = api.post("/api/v1/device-groups/", body, format="json")
    assert made.status_code == 201
    assert api.post("/api/v1/device-groups/", body | {"devices": []}, format="json").status_code == 200
    assert Group.objects.get().devices.count() == 0
    bad = api.post("/api/v1/device-groups/", body | {"time_zone": "Mars"}, format="json")
    assert bad.status_code == 400 and "Asia/Shanghai" in bad.json()["errors"]["time_zone"][0]
    address = f"/api/v1/device-groups/{made.json()['id']}/"
    assert calling(charlie).delete(address).status_code == 404
    assert api.delete(address).status_code == 204


def test_the_pages_plan_show_and_decide(alices, run, boards):
    assert "Plan the first rollout" in alices.get("/rollouts/").content.decode()
    page = alices.get(f"/rollouts/new/?model={model_of(run).pk}").content.decode()
    assert "Board 0" in page
    given = {"model": model_of(run).pk, "devices": [board.pk for board in boards], "waves": "1, 100%",
             "may_fail_percent": "0", "at_once": "2", "pause_minutes": "0", "hours": "24",
             "board_images": "0"}  # fmt: skip
    assert alices.post("/rollouts/new/", given | {"waves": "soon"}).status_code == 422
    alices.post("/rollouts/new/", given)
    made = Rollout.objects.get()
    engine.advance(made.pk)
    page = alices.get(made.get_absolute_url()).content.decode()
    assert "Wave 2" in page and "Deploying" in page
    alices.post(f"/rollouts/{made.pk}/abort/")
    assert Rollout.objects.get().status == "aborted"
    assert alices.post(f"/rollouts/{made.pk}/explode/").status_code == 404
    assert alices.post("/rollouts/new/", given | {"devices": []}).status_code == 422


def test_viewers_see_rollouts_and_change_nothing(bobs, rollout):
    assert "Pause" not in bobs.get(rollout.get_absolute_url()).content.decode()
    assert bobs.post(f"/rollouts/{rollout.pk}/pause/").status_code == 403
    assert bobs.get("/rollouts/new/").status_code == 403


def test_the_page_of_groups_makes_and_removes_them(alices, boards):
    alices.post("/rollouts/groups/new/", {"name": "Hall", "devices": [boards[0].pk], "time_zone": ""})
    assert "Board 0" in alices.get("/rollouts/groups/").content.decode()
    assert alices.post("/rollouts/groups/new/", {"name": "X", "time_zone": "Mars"}).status_code == 422
    alices.post(f"/rollouts/groups/{Group.objects.get().pk}/remove/")
    assert not Group.objects.exists()


@pytest.mark.parametrize("address", ["", "live/"])
def test_the_page_takes_the_same_queries_for_many_boards(
    alices, seed, run, alice, django_assert_max_num_queries, address
):
    many = [seed.device(f"Many {n}", "virtual", host=f"10.0.1.{n}", probe={}) for n in range(20)]
    made = services.create(model_of(run), alice, name="", devices=many, at_once=20)
    engine.advance(made.pk)
    with django_assert_max_num_queries(25):
        assert alices.get(f"/rollouts/{made.pk}/{address}").status_code == 200
