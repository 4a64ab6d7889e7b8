"""A server that never shows its host key holds no web thread for long, and no other team at all."""

import socket
import threading
import time

import pytest
from django.urls import reverse
from rest_framework.test import APIClient

from portal.devices import services, shownkey
from portal.devices.errors import Unreachable
from portal.devices.hostkeys import HostKey
from portal.teams.models import Role, Team
from tests.conftest import _person
from tests.devices.test_device_pages import NEW
from tests.seed import KEY, Seeder

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def places(monkeypatch):
    fresh = shownkey.Places()
    monkeypatch.setattr(shownkey, "places", fresh)
    monkeypatch.setattr(shownkey, "SECONDS", 0.3)
    return fresh


@pytest.fixture
def hanging(monkeypatch):
    """Reading a key takes until the end of the test, as a tarpit or a name server that is silent makes it."""
    end = threading.Event()
    seen = []

    def read(host, port):
        seen.append(host)
        if host == "good":
            return HostKey.parse(KEY)
        end.wait(60)
        return HostKey.parse(KEY)

    monkeypatch.setattr(services, "read_host_key", read)
    yield seen
    end.set()


def api_of(user):
    client = APIClient()
    client.force_authenticate(user)
    return client


def test_the_page_says_so_and_offers_to_try_again(client, alice, hanging):
    client.force_login(alice)
    answer = client.post(reverse("device-new"), NEW)
    assert answer.status_code == 422
    assert "did not show its host key within" in answer.context["form"].errors["host"][0]


def test_the_api_says_so_at_the_address(alice, hanging):
    answer = api_of(alice).post("/api/v1/devices/", NEW, format="json")
    assert answer.status_code == 400 and "then try again" in answer.json()["errors"]["host"][0]


def test_comparing_the_keys_is_bounded_as_well(client, alice, team, hanging):
    device = Seeder(team, alice).device()
    assert api_of(alice).get(f"/api/v1/devices/{device.pk}/host-key/").status_code == 409
    client.force_login(alice)
    page = client.get(reverse("device-host-key", args=[device.pk]))
    assert page.status_code == 200 and "try again" in page.content.decode()


def test_a_team_that_reads_from_tarpits_stands_in_its_own_way_only(team, alice, hanging, monkeypatch):
    with pytest.raises(Unreachable, match="within"):
        services.shown_host_key(team, "tarpit", 22)
    for _ in range(5):
        with pytest.raises(shownkey.Busy, match="Your team"):
            services.shown_host_key(team, "tarpit", 22)
    assert len(hanging) == 1, "nothing more is started"
    other = Team.objects.create(name="Dock workers")
    monkeypatch.setattr(shownkey, "SECONDS", 30)
    assert str(services.shown_host_key(other, "good", 22)) == KEY


def test_at_most_a_few_are_read_at_once_in_a_process(hanging):
    for number in range(shownkey.AT_ONCE):
        with pytest.raises(Unreachable, match="within"):
            services.shown_host_key(Team(pk=number), "tarpit", 22)
    with pytest.raises(shownkey.Busy, match="Too many"):
        services.shown_host_key(Team(pk=99), "good", 22)
    assert len(hanging) == shownkey.AT_ONCE


def test_a_place_is_free_again_once_the_server_answered_or_failed(team, monkeypatch, places):
    monkeypatch.setattr(shownkey, "SECONDS", 30)
    for result in (Unreachable("Nobody is there: try again."), RuntimeError("a defect")):

        def fail(host, port, result=result):
            raise result

        monkeypatch.setattr(services, "read_host_key", fail)
        with pytest.raises(type(result)):
            services.shown_host_key(team, "x", 22)
    monkeypatch.setattr(services, "read_host_key", lambda host, port: HostKey.parse(KEY))
    deadline = time.monotonic() + 30
    while places._teams and time.monotonic() < deadline:
        time.sleep(0.01)
    assert str(services.shown_host_key(team, "x", 22)) == KEY


def test_a_real_server_that_says_nothing_is_left_after_the_deadline(people, settings):
    settings.SSH_TIMEOUT_SECONDS = 2
    operator = _person("olga", Team.objects.create(name="Quay"), Role.OPERATOR)
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = {"host": "127.0.0.1", "port": server.getsockname()[1]}
        answer = api_of(operator).post("/api/v1/devices/", NEW | address, format="json")
    assert answer.status_code == 400 and "within 0.3 seconds" in answer.json()["errors"]["host"][0]
