"""Forms that choose devices, for a team with more devices than anyone ticks one by one."""

import pytest

from portal.rollouts import fields, services
from portal.rollouts.models import Group, Rollout
from tests.graphs import model_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def boards(seed, monkeypatch):
    monkeypatch.setattr(fields, "LISTED", 3)
    names = ("Line 1 left", "Line 1 right", "Line 2 [old]", "Store")
    return [seed.device(name, "virtual", host=f"10.0.0.{n}", probe={}) for n, name in enumerate(names)]


@pytest.fixture
def form(seed):
    run = seed.run(seed.version())
    seed.train(run)
    seed.convert(run)
    return {"model": model_of(run).pk, "waves": "100%", "may_fail_percent": 0, "at_once": 4,
            "pause_minutes": 0, "hours": 24, "board_images": 0}  # fmt: skip


def test_names_and_patterns_are_entered_in_place_of_boxes(alices, boards, form):
    page = alices.get("/rollouts/new/").content.decode()
    assert "Names, one per line" in page and "Line 1 left" not in page
    answer = alices.post("/rollouts/new/", form | {"devices": "line 1 *\nStore\r\n\nStore"})
    assert answer.status_code == 302, answer.content.decode()
    names = Rollout.objects.get().targets.values_list("device__name", flat=True)
    assert sorted(names) == ["Line 1 left", "Line 1 right", "Store"]


@pytest.mark.parametrize(
    ("devices", "words"),
    [
        ("Store\nLine 9\nLine 7 *", "No device is called: Line 9, Line 7 *"),
        ("Line 2 [a-z]ld]", "No device is called"),
        ("*\n" * 51, "Use * in at most 50 lines."),
        ("", "Choose 1 to"),
    ],
)
def test_a_name_that_no_device_has_is_told(alices, boards, form, devices, words):
    answer = alices.post("/rollouts/new/", form | {"devices": devices})
    assert answer.status_code == 422 and words in answer.content.decode()


def test_a_group_shows_and_takes_names(alices, boards, team, alice):
    services.put_group(team, alice, name="Hall", devices=boards[:2])
    page = alices.get("/rollouts/groups/new/?name=Hall").content.decode()
    assert "Line 1 left\nLine 1 right" in page
    alices.post("/rollouts/groups/new/", {"name": "Hall", "devices": "Line 2 [*\nStore", "time_zone": ""})
    names = Group.objects.get().devices.values_list("name", flat=True)
    assert sorted(names) == ["Line 2 [old]", "Store"]


def test_another_teams_names_are_unknown(boards, charlie, client, form):
    client.force_login(charlie)
    answer = client.post("/rollouts/new/", {**form, "devices": "*"})
    assert answer.status_code == 422 and not Rollout.objects.exists()
