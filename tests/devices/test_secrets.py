"""A board's secret belongs to its address, port, user and host key, and is sent nowhere else.

Alice is an operator who wants the password that a colleague stored: she points the row to her own server.
"""

import dataclasses

import pytest
from django.urls import reverse
from rest_framework.test import APIClient

from portal.core.encryption import seal, unseal
from portal.devices import services
from portal.devices.connection import BoardConnection
from portal.devices.credentials import Credentials, SecretNeeded
from portal.devices.hostkeys import HostKey
from portal.devices.models import Device
from tests.seed import KEY, Seeder

pytestmark = pytest.mark.django_db
OTHER = "ssh-ed25519 SHA256:LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ"
PAGE = {"name": "Board", "host": "10.1.1.144", "port": "22", "username": "root"}
MOVES = {"host": "10.6.6.6", "port": 2222, "username": "admin"}


@pytest.fixture
def device(team, alice):
    row = Seeder(team, alice).device("Board")
    services.update_access(row, credentials=Credentials(password="of the colleague"))
    return row


@pytest.fixture
def api(alice):
    client = APIClient()
    client.force_authenticate(alice)
    return client


@pytest.fixture
def another_key(monkeypatch):
    monkeypatch.setattr(services, "read_host_key", lambda host, port: HostKey.parse(OTHER))


def unchanged(device):
    return services.place_of(Device.objects.get(pk=device.pk)) == services.place_of(device)


@pytest.mark.parametrize("name", MOVES)
def test_the_page_refuses_another_place_without_the_secret(client, alice, device, name):
    client.force_login(alice)
    answer = client.post(reverse("device-edit", args=[device.pk]), PAGE | {name: MOVES[name]})
    assert answer.status_code == 422
    assert "belongs to root@10.1.1.144:22" in answer.context["form"].errors["password"][0]
    assert unchanged(device)


@pytest.mark.parametrize("name", MOVES)
@pytest.mark.parametrize("extra", [{}, {"passphrase": "x"}, {"password": "", "private_key": ""}])
def test_the_api_refuses_another_place_without_the_secret(api, device, name, extra):
    body = {name: MOVES[name], "name": "Moved", **extra}
    answer = api.patch(f"/api/v1/devices/{device.pk}/", body, format="json")
    assert answer.status_code == 400
    assert "enter the password again" in answer.json()["errors"]["password"][0]
    assert unchanged(device)


def test_the_page_accepts_another_host_key_only_with_the_secret(client, alice, device, another_key):
    client.force_login(alice)
    answer = client.post(reverse("device-host-key", args=[device.pk]), {"host_key": OTHER})
    assert answer.status_code == 422 and "enter the password again" in answer.content.decode()
    assert unchanged(device)


def test_the_api_accepts_another_host_key_only_with_the_secret(api, device, another_key):
    answer = api.post(f"/api/v1/devices/{device.pk}/host-key/", {"host_key": OTHER}, format="json")
    assert answer.status_code == 400 and list(answer.json()["errors"]) == ["password"]
    assert unchanged(device)


def test_what_is_typed_replaces_the_whole_secret(api, device):
    body = {"host": "10.6.6.6", "password": "my own"}
    assert api.patch(f"/api/v1/devices/{device.pk}/", body, format="json").status_code == 200
    stored = Device.objects.get(pk=device.pk).secret
    assert "of the colleague" not in str(unseal(stored)) and unseal(stored)["password"] == "my own"


def test_a_secret_is_not_sent_from_a_row_that_points_elsewhere(device, monkeypatch, team, alice):
    """Whatever changed the row: a stale form, another program, a copy of the column."""
    monkeypatch.setattr(BoardConnection, "connect", lambda *args, **options: pytest.fail("it was sent"))
    Device.objects.filter(pk=device.pk).update(host="10.6.6.6")
    with pytest.raises(SecretNeeded, match="enter the password again"):
        services.sign_in(Device.objects.get(pk=device.pk))
    copy = Seeder(team, alice).device("Copy", host="10.6.6.6", secret=device.secret)
    with pytest.raises(SecretNeeded):
        services.sign_in(copy)


def test_a_stale_copy_of_the_row_does_not_move_it(device):
    stale = Device.objects.get(pk=device.pk)
    services.update_access(device, host="10.1.1.9", credentials=Credentials(password="there"))
    with pytest.raises(SecretNeeded):
        services.update_access(stale, host="10.1.1.144", name="Back")


def test_a_secret_from_before_they_were_bound_still_signs_in(device, monkeypatch):
    device.secret = seal(dataclasses.asdict(Credentials(password="old")))
    monkeypatch.setattr(BoardConnection, "connect", lambda *args, **options: options["password"])
    assert services.sign_in(device) == "old"
    device.save()
    with pytest.raises(SecretNeeded):
        services.update_access(device, port=2222)


def test_a_key_is_asked_for_as_a_key(device):
    Device.objects.filter(pk=device.pk).update(auth="key")
    with pytest.raises(SecretNeeded, match="enter the private key again"):
        services.update_access(device, host_key=HostKey.parse(OTHER))
    services.update_access(device, host_key=HostKey.parse(KEY))
