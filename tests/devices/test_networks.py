"""Devices may be in the allowed networks only, whatever their names say and when."""

import ipaddress
import socket

import pytest

from portal.devices import networks
from portal.devices.errors import Unreachable
from portal.devices.jumping import fetch_host_key


@pytest.fixture
def only(settings):
    def allow(*texts):
        settings.DEVICE_NETWORKS = [ipaddress.ip_network(text) for text in texts]

    return allow


@pytest.fixture
def names(monkeypatch):
    """What the server of names says, one answer a question."""

    def answer(*addresses):
        answers = iter(addresses)
        monkeypatch.setattr(
            socket, "getaddrinfo", lambda host, port, **_: [(2, 1, 6, "", (next(answers), port))]
        )

    return answer


def test_without_a_setting_every_network_is_allowed(only):
    only()
    assert networks.is_allowed("8.8.8.8")
    networks.check_number("board.local")


@pytest.mark.parametrize("address", ["10.1.9.9", "::ffff:10.1.9.9", "fe80::1%eth0"])
def test_addresses_inside_are_allowed(only, address):
    only("10.1.0.0/16", "fe80::/10")
    assert networks.is_allowed(address)


@pytest.mark.parametrize("address", ["10.2.0.1", "::ffff:127.0.0.1", "127.0.0.1", "fd00::1"])
def test_addresses_outside_are_not(only, address):
    only("10.1.0.0/16", "fe80::/10")
    assert not networks.is_allowed(address)


def test_a_refused_address_is_told_with_what_to_do_and_not_connected_to(only):
    only("10.1.0.0/16")
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.2)
        with pytest.raises(Unreachable, match="devices in 10.1.0.0/16 only: use an address there") as caught:
            fetch_host_key("127.0.0.1", server.getsockname()[1])
        assert caught.value.code == "network-not-allowed" and caught.value.momentary is False
        with pytest.raises(TimeoutError):
            server.accept()


def test_a_name_that_changes_its_address_is_connected_where_it_was_checked(only, names, monkeypatch):
    only("10.1.0.0/16")
    names("10.1.0.5", "192.168.0.1")
    reached = []
    monkeypatch.setattr(socket.socket, "connect", lambda sock, address: reached.append(address))
    networks.open_socket("board.example", 22, 1).close()
    assert reached == [("10.1.0.5", 22)]
    with pytest.raises(networks.NotAllowed, match="board.example is at 192.168.0.1"):
        networks.open_socket("board.example", 22, 1)


def test_behind_a_jump_host_only_a_number_can_be_checked(only):
    only("10.1.0.0/16")
    networks.check_number("10.1.0.5")
    for host in ("10.2.0.5", "board.local"):
        with pytest.raises(networks.NotAllowed):
            networks.check_number(host)


@pytest.mark.django_db
@pytest.mark.parametrize("host", ["10.2.0.1", "127.0.0.1", "::1", "::ffff:127.0.0.1"])
def test_an_edit_to_an_address_outside_is_refused_at_its_field(only, seed, alice, client, host):
    only("10.1.0.0/16")
    device = seed.device(host="10.1.1.144")
    client.force_login(alice)
    change = {"host": host, "password": "another"}
    answer = client.patch(f"/api/v1/devices/{device.pk}/", change, content_type="application/json")
    assert answer.status_code == 400 and "devices in 10.1.0.0/16 only" in answer.json()["errors"]["host"][0]
    fields = change | {"name": device.name, "port": 22, "username": "root"}
    page = client.post(f"/devices/{device.pk}/edit/", fields)
    assert page.status_code == 422 and "devices in 10.1.0.0/16 only" in page.content.decode()
    device.refresh_from_db()
    assert device.host == "10.1.1.144"


def test_a_name_behind_a_jump_host_is_refused_when_it_is_entered_and_another_name_is_looked_up_later(only):
    only("10.1.0.0/16")
    networks.check_entered("board.local", False)
    with pytest.raises(networks.NotAllowed, match="only the jump host knows"):
        networks.check_entered("board.local", True)
