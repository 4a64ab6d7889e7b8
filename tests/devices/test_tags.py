"""Tags of devices: set, filtered by, and used to choose a rollout's boards."""

import pytest
from django.urls import reverse

from portal.devices.models import Device, DeviceTag
from portal.rollouts.models import Rollout
from tests.seed import Seeder

pytestmark = pytest.mark.django_db


@pytest.fixture
def seed(team, alice):
    return Seeder(team, alice)


def test_tags_are_set_by_page_and_api_and_filter_the_list(alices, seed):
    east, west = seed.device("East"), seed.device("West")
    fields = {
        "name": "East",
        "host": east.host,
        "port": 22,
        "username": "root",
        "tags": "Hall 2，camera, hall 2",
    }
    assert alices.post(reverse("device-edit", args=[east.pk]), fields).status_code == 302
    url = f"/api/v1/devices/{west.pk}/"
    west_tags = alices.patch(url, {"tags": ["hall 2", "spare"]}, "application/json").json()["tags"]
    assert west_tags == ["Hall 2", "spare"], "a known tag is reused, whatever its case"
    found = alices.get("/api/v1/devices/", {"tag": "CAMERA"}).json()["results"]
    assert [row["name"] for row in found] == ["East"]
    page = alices.get(reverse("device-list"), {"tag": "spare"}).content.decode()
    assert "West" in page and ">East<" not in page
    assert "No device has this tag." in alices.get(reverse("device-list"), {"tag": "x"}).content.decode()
    alices.patch(url, {"tags": []}, "application/json")
    assert sorted(DeviceTag.objects.values_list("name", flat=True)) == ["Hall 2", "camera"]


@pytest.mark.parametrize("tags", [["x" * 41], ["a,b"], [str(n) for n in range(21)], "word", [None]])
def test_bad_tags_are_refused_at_their_field(alices, seed, tags):
    url = f"/api/v1/devices/{seed.device().pk}/"
    answer = alices.patch(url, {"tags": tags}, "application/json")
    assert answer.status_code == 400 and list(answer.json()["errors"]) == ["tags"]


def test_a_rollout_goes_to_the_devices_with_a_tag(alices, seed, team):
    run = seed.run(seed.version())
    model = seed.train(run)
    seed.convert(run)
    for name in ("East", "West", "Bench"):
        device = seed.device(name, "virtual", host=name, probe={})
        if name != "Bench":
            device.tags.add(DeviceTag.objects.get_or_create(team=team, name="hall")[0])
    bad = alices.post("/api/v1/rollouts/", {"model": model.pk, "tags": ["attic"]}, "application/json")
    assert bad.status_code == 400 and list(bad.json()["errors"]) == ["tags"]
    made = alices.post("/api/v1/rollouts/", {"model": model.pk, "tags": ["Hall"]}, "application/json")
    assert made.status_code == 201, made.content
    names = Rollout.objects.get().targets.values_list("device__name", flat=True)
    assert sorted(names) == ["East", "West"]


def test_another_teams_tags_are_neither_shown_nor_found(alices, charlie, seed):
    other = Seeder(charlie.teams.get(), charlie).device("Theirs")
    other.tags.add(DeviceTag.objects.create(team=other.team, name="secret project"))
    seed.device("Mine")
    assert "secret project" not in alices.get(reverse("device-list")).content.decode()
    assert alices.get("/api/v1/devices/", {"tag": "secret project"}).json()["results"] == []
    assert Device.objects.for_team(other.team).get().tags.count() == 1
