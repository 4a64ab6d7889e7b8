"""What the pages of a device can do, the API can."""

import pytest
from rest_framework.test import APIClient

from portal.core.encryption import unseal
from portal.devices import services
from portal.devices.errors import Unreachable
from portal.devices.hostkeys import HostKey
from portal.devices.models import Device
from tests.seed import KEY, Seeder

OTHER = "ssh-ed25519 SHA256:AAAAMfWWaL+qgxVrQFaO/TxsrC4Is0V1sFbDwCgg4bQ"


@pytest.fixture
def device(team, alice):
    return Seeder(team, alice).device()


@pytest.fixture
def shown(monkeypatch):
    """What key the board shows."""
    keys = [KEY]
    monkeypatch.setattr(services, "fetch_host_key", lambda *args: HostKey.parse(keys[-1]))
    return keys


def client_of(user):
    client = APIClient()
    client.force_authenticate(user)
    return client


def patch(user, device, **body):
    return client_of(user).patch(f"/api/v1/devices/{device.pk}/", body, format="json")


def test_an_operator_changes_address_and_credentials_which_are_told_nobody(device, alice):
    Device.objects.update(problem="Another board refused the connection.")
    device.refresh_from_db()
    answer = patch(alice, device, name="By the door", host="10.1.1.7", password="a new secret")
    assert answer.status_code == 200, answer.json()
    assert (answer.json()["name"], answer.json()["problem"]) == ("By the door", "")
    assert "a new secret" not in answer.content.decode()
    assert answer.json()["probe_job"]["status"] == "queued"
    device.refresh_from_db()
    assert (device.host, device.port) == ("10.1.1.7", 22)
    assert unseal(device.secret)["password"] == "a new secret"


def test_what_is_left_out_stays(device, alice):
    Device.objects.update(problem="The board refused the password.")
    device.refresh_from_db()
    assert patch(alice, device, password="first").json()["problem"] == ""
    assert patch(alice, device, name="By the door", host=device.host).json()["port"] == 22
    device.refresh_from_db()
    assert unseal(device.secret)["password"] == "first"


def test_a_wrong_change_is_refused_at_its_field(device, team, alice):
    Seeder(team, alice).device("Virtual board", "virtual")
    for body, field in (
        ({"name": "Virtual board"}, "name"),
        ({"port": 0}, "port"),
        ({"private_key": "no key"}, "private_key"),
        ({"private_key": "x", "password": "y"}, "private_key"),
    ):
        answer = patch(alice, device, **body)
        assert answer.status_code == 400
        assert list(answer.json()["errors"]) == [field]
    assert patch(alice, device, name=device.name).status_code == 200


def test_a_viewer_and_a_stranger_change_nothing(device, bob, charlie):
    assert patch(bob, device, host="10.1.1.7").status_code == 403
    assert patch(charlie, device, host="10.1.1.7").status_code == 404


def test_a_new_host_key_is_pinned_once_a_person_has_seen_it(device, alice, shown):
    client, address = client_of(alice), f"/api/v1/devices/{device.pk}/host-key/"
    assert client.get(address).json() == {"pinned": KEY, "shown": KEY, "same": True}
    shown.append(OTHER)
    assert client.get(address).json() == {"pinned": KEY, "shown": OTHER, "same": False}
    refused = client.post(address, {"host_key": KEY, "password": "new"}, format="json")
    assert refused.status_code == 409 and "compare again" in refused.json()["detail"]
    body = {"host_key": OTHER, "password": "new"}
    assert client.post(address, body, format="json").json()["same"] is True
    device.refresh_from_db()
    assert device.host_key == OTHER and unseal(device.secret)["password"] == "new"


def test_a_board_that_does_not_answer_is_said_so(device, alice, monkeypatch):
    def unreachable(*args):
        raise Unreachable("Nobody is there.")

    monkeypatch.setattr(services, "fetch_host_key", unreachable)
    answer = client_of(alice).get(f"/api/v1/devices/{device.pk}/host-key/")
    assert (answer.status_code, answer.json()["detail"]) == (409, "Nobody is there.")


def test_a_viewer_does_not_make_the_server_call_a_board(device, bob, shown):
    assert client_of(bob).get(f"/api/v1/devices/{device.pk}/host-key/").status_code == 403


def test_a_picture_is_shown_as_the_board_got_it(device, team, alice, bob, charlie):
    inference = Seeder(team, alice).inference(device)
    address = f"/api/v1/inferences/{inference.pk}/images/0/"
    answer = client_of(bob).get(address)
    assert (answer.status_code, answer["Content-Type"]) == (200, "image/png")
    assert b"".join(answer.streaming_content).startswith(b"\x89PNG")
    assert client_of(bob).get(address.replace("/0/", "/99/")).status_code == 404
    assert client_of(charlie).get(address).status_code == 404
