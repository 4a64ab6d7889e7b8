"""Boards behind a jump host: two SSH servers on loopback, and every way in which the first fails."""

import contextlib
import ipaddress
import socket
import threading

import paramiko
import pytest
from django.urls import reverse

from portal.deployment.boardlock import owner_of
from portal.devices import jump_hosts, services
from portal.devices.connection import BoardConnection
from portal.devices.credentials import Credentials, sign_in
from portal.devices.errors import BoardError, Unreachable
from portal.devices.hostkeys import HostKey
from portal.devices.jumping import Jump, JumpFailed, fetch_host_key
from portal.devices.models import Device, JumpHost
from portal.jobs.models import IllegalTransition
from portal.rollouts.models import board_of
from tests.seed import KEY, Seeder

OTHER = "ssh-ed25519 SHA256:LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ"


class Server(paramiko.ServerInterface):
    """Takes one password; runs commands as if they printed their own words; forwards if it may."""

    def __init__(self, password, forwards=False):
        self.password, self.forwards = password, forwards
        self.targets, self.transports = {}, []
        self.key = paramiko.RSAKey.generate(2048)
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.accepted = 0
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while True:
            try:
                peer, _ = self.socket.accept()
            except OSError:
                return
            self.accepted += 1
            transport = paramiko.Transport(peer)
            transport.add_server_key(self.key)
            self.transports.append(transport)
            transport.start_server(server=self, event=threading.Event())

    def stop(self):
        if self.socket.fileno() < 0:
            return
        self.socket.shutdown(socket.SHUT_RDWR)  # ends the wait in accept
        self.socket.close()
        for transport in self.transports:
            transport.close()

    @property
    def host_key(self):
        return str(HostKey.of(self.key))

    def get_allowed_auths(self, username):
        return "password"

    def check_auth_password(self, username, password):
        return paramiko.AUTH_SUCCESSFUL if password == self.password else paramiko.AUTH_FAILED

    def check_channel_request(self, kind, number):
        return paramiko.OPEN_SUCCEEDED

    def check_channel_exec_request(self, channel, command):
        def answer():
            channel.sendall(b"did " + command)
            channel.send_exit_status(0)
            channel.close()

        threading.Timer(0.2, answer).start()
        return True

    def check_channel_direct_tcpip_request(self, number, origin, target):
        if not self.forwards:
            return paramiko.OPEN_FAILED_ADMINISTRATIVELY_PROHIBITED
        try:
            self.targets[number] = socket.create_connection(target, 30)
        except OSError:
            return paramiko.OPEN_FAILED_CONNECT_FAILED
        transport = self.transports[-1]
        threading.Thread(target=self._forward, args=(transport, number), daemon=True).start()
        return paramiko.OPEN_SUCCEEDED

    def _forward(self, transport, number):
        channel, target = transport.accept(60), self.targets[number]

        def pass_on(source, sink):
            try:
                while data := source.recv(65536):
                    sink.sendall(data)
            except OSError:
                pass
            target.close()
            with contextlib.suppress(EOFError, OSError):  # the connection is closed already
                channel.close()

        threading.Thread(target=pass_on, args=(channel, target), daemon=True).start()
        pass_on(target, channel)


@pytest.fixture
def gate():
    server = Server("of the gate", forwards=True)
    yield server
    server.stop()


@pytest.fixture
def board():
    server = Server("of the board")
    yield server
    server.stop()


def jump_of(gate, **changes):
    fields = {"password": "of the gate", "host_key": gate.host_key} | changes
    return Jump("Gate", "127.0.0.1", gate.port, "porter", **fields)


def connect(gate, board, **changes):
    access = {"host_key": board.host_key, "password": "of the board", "timeout": 30.0}
    return BoardConnection.connect("127.0.0.1", board.port, jump=jump_of(gate, **changes), **access)


def test_a_board_is_reached_through_the_jump_host_and_both_lines_are_closed(gate, board):
    assert str(fetch_host_key("127.0.0.1", board.port, 30.0, jump_of(gate))) == board.host_key
    with connect(gate, board) as connection:
        assert connection.run(["echo", "hello"]).stdout == "did echo hello"
        line = connection._transport.carrier
        assert line.is_active()
    line.join(30)
    assert not line.is_active() and not connection.alive


def test_a_jump_host_with_another_key_gets_no_password(gate, board):
    with pytest.raises(JumpFailed, match="The jump host Gate .* shows another key .*Devices, Jump hosts"):
        connect(gate, board, host_key=OTHER)
    assert board.accepted == 0


def test_what_fails_on_the_way_is_named_as_the_jump_hosts(gate, board):
    with pytest.raises(JumpFailed, match="jump host Gate .* does not let the user porter in"):
        connect(gate, board, password="guess")
    gate.forwards = False
    with pytest.raises(JumpFailed, match="does not forward connections .* allow that in its SSH server"):
        connect(gate, board)
    gate.forwards = True
    board.stop()
    with pytest.raises(Unreachable, match="The jump host Gate cannot reach 127.0.0.1") as caught:
        connect(gate, board)
    assert caught.value.momentary
    gate.stop()
    with pytest.raises(Unreachable, match="The jump host Gate at .* cannot be reached .*Connection refused"):
        connect(gate, board)


def test_a_jump_host_that_does_not_answer_the_channel_ends_in_time(gate, board, monkeypatch):
    def never(self, number, origin, target):
        threading.Event().wait(20)

    monkeypatch.setattr(Server, "check_channel_direct_tcpip_request", never)
    with pytest.raises(BoardError):
        fetch_host_key("127.0.0.1", board.port, 0.5, jump_of(gate))


def test_limits_of_networks_hold_behind_a_jump_host_too(gate, board, settings):
    settings.DEVICE_NETWORKS = [ipaddress.ip_network("127.0.0.1")]
    connect(gate, board).close()
    with pytest.raises(Unreachable, match="an address that only the jump host knows"):
        fetch_host_key("localhost", board.port, 30.0, jump_of(gate))
    with pytest.raises(Unreachable, match="10.0.0.1"):
        fetch_host_key("10.0.0.1", board.port, 30.0, jump_of(gate))


@pytest.fixture
def reads(monkeypatch):
    """The key that every host shows."""
    shown = {"key": KEY}
    monkeypatch.setattr(services, "read_host_key", lambda host, port: HostKey.parse(shown["key"]))
    return shown


NEW = {"name": "Gate", "host": "10.9.9.9", "port": 22, "username": "porter", "password": "secret word"}


@pytest.mark.django_db
def test_a_jump_host_is_set_with_its_key_pinned_and_a_changed_key_is_asked_for(alices, reads):
    page = alices.post(reverse("jump-host-new"), NEW, follow=True).content.decode()
    row = JumpHost.objects.get()
    assert row.host_key == KEY and "secret word" not in row.secret and "secret word" not in page
    reads["key"] = OTHER
    answer = alices.post("/api/v1/jump-hosts/", NEW, "application/json")
    assert answer.status_code == 400 and "compare it with" in answer.json()["errors"]["host_key"][0]
    again = alices.post("/api/v1/jump-hosts/", NEW | {"host_key": OTHER}, "application/json")
    assert again.status_code == 200 and JumpHost.objects.get().host_key == OTHER


@pytest.mark.django_db
def test_a_device_is_behind_a_jump_host_of_its_own_team_only(alices, team, alice, charlie, reads):
    device = Seeder(team, alice).device("Board")
    mine = jump_hosts.put(team, alice, credentials=Credentials("x"), **NEW_ROW)[0]
    other = jump_hosts.put(charlie.teams.get(), charlie, credentials=Credentials("x"), **NEW_ROW)[0]
    url = f"/api/v1/devices/{device.pk}/"
    assert alices.patch(url, {"jump": other.pk}, "application/json").status_code == 400
    assert alices.patch(url, {"jump": mine.pk}, "application/json").json()["jump"] == mine.pk
    with pytest.raises(IllegalTransition, match="reached through Gate: Board"):
        jump_hosts.remove(mine, alice)
    assert "through Gate" in alices.get(reverse("device-detail", args=[device.pk])).content.decode()


@pytest.mark.django_db
def test_a_jump_host_that_is_removed_meanwhile_is_told_at_its_field(alices, team, alice, reads, monkeypatch):
    seeded = Seeder(team, alice).device("Board", host="10.0.0.7")
    row = jump_hosts.put(team, alice, credentials=Credentials("x"), **NEW_ROW)[0]

    def removed_while_the_key_is_read(*_arguments):
        JumpHost.objects.filter(pk=row.pk).delete()
        return HostKey.parse(KEY)

    monkeypatch.setattr(services, "shown_host_key", removed_while_the_key_is_read)
    new = {"name": "New", "profile": "virtual", "host": "10.0.0.8", "port": 22, "username": "root",
           "password": "x", "jump": row.pk}  # fmt: skip
    answer = alices.post("/api/v1/devices/", new, "application/json")
    assert answer.status_code == 400 and "Gate was removed meanwhile" in answer.content.decode()
    jump_hosts.remove(row, alice)  # somebody else was faster
    with pytest.raises(BoardError, match="Gate was removed meanwhile: choose another"):
        services.update_access(seeded, jump=row)
    assert Device.objects.get().jump is None


NEW_ROW = {name: NEW[name] for name in ("name", "host", "port", "username")}


@pytest.mark.django_db
def test_boards_of_one_address_behind_two_jump_hosts_are_two_boards(team, alice, reads):
    seed = Seeder(team, alice)
    gates = [
        jump_hosts.put(team, alice, credentials=Credentials("x"), **NEW_ROW | {"name": name})[0]
        for name in ("East", "West")
    ]
    boards = [seed.device(gate.name, host="10.1.1.144", jump=gate) for gate in gates]
    assert len({board.resource for board in boards}) == 2
    assert len({board_of(board) for board in boards}) == len({owner_of(board) for board in boards}) == 2
    jobs = [services.start_probe(board, alice) for board in boards]
    assert Device.objects.claim(boards[0].pk, jobs[0]) and Device.objects.claim(boards[1].pk, jobs[1])


@pytest.mark.django_db
def test_a_secret_of_a_jump_host_is_sent_to_its_own_place_only(team, alice, gate, board, reads):
    reads["key"] = gate.host_key
    row = jump_hosts.put(
        team, alice, name="Gate", host="127.0.0.1", port=gate.port, username="porter",
        credentials=Credentials("of the gate"),
    )[0]  # fmt: skip
    device = Seeder(team, alice).device("Board", host="127.0.0.1", port=board.port, jump=row)
    services.update_access(device, host_key=board.host_key, credentials=Credentials("of the board"))
    sign_in(device).close()
    JumpHost.objects.update(host="127.0.0.2")
    with pytest.raises(BoardError, match="enter the password again"):
        sign_in(Device.objects.get(pk=device.pk))


def test_a_jump_hosts_secrets_are_not_printed():
    text = repr(Jump("Gate", "h", 22, "u", "k", password="secret", private_key="secret", passphrase="secret"))
    assert "secret" not in text
