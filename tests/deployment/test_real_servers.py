"""Deployments to the SSH servers of real boards: see ``servers.py``."""

import random
import shutil
from dataclasses import replace

import pytest

from portal.deployment import steps
from portal.deployment.steps import RolledBack, Trial, activate, deploy
from portal.devices import channel, fitness
from portal.devices.errors import (
    ConnectionLost,
    DiskFull,
    MalformedAnswer,
    NoPython,
    RemoteFailed,
    RemoteTimeout,
    WrongAnswer,
)
from portal.devices.probe import probe
from portal.devices.remote_runner import run_in_turn, run_release_manager
from tests.deployment.servers import KINDS, MEGABYTES, Server, can_isolate
from tests.devices.bad_link import BadLink
from tests.devices.tiny import tiny_release

pytestmark = [
    pytest.mark.ssh,
    pytest.mark.skipif(not can_isolate(), reason="needs dropbear, OpenSSH and unshare -m, as root"),
]
EACH = ("dropbear", "no-sftp", "openssh")  # the ways in which files get there and programs end
MODEM = 64_000 / 8  # bytes a second


@pytest.fixture
def server(request):
    kind = getattr(request, "param", "openssh")
    if kind == "busybox" and not shutil.which("busybox"):
        pytest.skip("busybox is not installed")
    started = Server(kind)
    yield started
    started.stop()


@pytest.fixture
def release(server, tmp_path):
    """Make a release of this name for the server's board."""

    def make(name, **more):
        (tmp_path / name).mkdir(exist_ok=True)
        return tiny_release(tmp_path / name, name, server.profile, **more)

    return make


def on_board(server, connection) -> tuple[list[str], str | None]:
    found = run_release_manager(connection, server.profile, "status")
    return sorted(row["id"] for row in found["releases"]), found["current"]


@pytest.mark.parametrize("server", KINDS, indirect=True)
def test_releases_are_deployed_rolled_back_and_pruned(server, release):
    with server.connect() as connection:
        assert (connection.sftp() is not None) is (server.kind in ("dropbear", "read-only", "openssh"))
        for name in ("r1", "r2", "r3"):
            assert deploy(connection, server.profile, release(name)).upload.sent
        assert activate(connection, server.profile, "r1")["before"] == "r3"
        assert run_in_turn(connection, server.profile, ("prune", "2"))["removed"] == ["r2"]
        assert on_board(server, connection) == (["r1", "r3"], "r1")
        facts = probe(connection, server.profile)
    assert facts["problems"] == [] and facts["writable"] is True
    assert fitness.worst(fitness.of_probe(facts, server.profile)) in ("fit", "unknown")


@pytest.mark.parametrize("server", ["read-only"], indirect=True)
def test_a_root_that_is_read_only_is_told_before_anything_is_sent(server):
    profile = replace(server.profile, root="/opt/slipway")
    with server.connect() as connection:
        lines = fitness.of_probe(probe(connection, profile), profile)
    with pytest.raises(fitness.Unfit, match="read-only at /opt/slipway: mount it for writing"):
        fitness.refuse_unless_fit(lines)


@pytest.mark.parametrize("server", EACH, indirect=True)
def test_a_board_without_python_says_so_and_keeps_nothing(server, release):
    profile = replace(server.profile, python="python")
    with server.connect() as connection:
        with pytest.raises(NoPython, match="has no command python: install Python 3.8 or newer"):
            deploy(connection, profile, release("r1"))
        assert connection.run(["ls", f"{profile.root}/releases"]).stdout == ""


@pytest.mark.parametrize("server", EACH, indirect=True)
def test_an_upload_goes_on_where_the_link_broke(server, release):
    built = release("r1", weights=random.Random(0).randbytes(1_000_000))
    with BadLink(server.port) as link:
        link.cut_after = 500_000
        with pytest.raises(ConnectionLost, match="check its power and its cable"):
            with server.connect(link.port) as connection:
                deploy(connection, server.profile, built)
        with server.connect(link.port) as connection:
            done = deploy(connection, server.profile, built)
            assert on_board(server, connection) == (["r1"], "r1")
    assert 100_000 < done.upload.resumed < 900_000


def test_a_link_of_64_kbit_that_stalls_and_breaks_brings_a_release_all_the_same(server, release):
    with BadLink(server.port, MODEM, stall_every=20_000, stall=0.5) as link:
        link.cut_after = 30_000
        with pytest.raises(ConnectionLost), server.connect(link.port) as connection:
            deploy(connection, server.profile, release("r1"))
        with server.connect(link.port) as connection:
            done = deploy(connection, server.profile, release("r1"))
    assert done.upload.sent and done.upload.resumed
    with server.connect() as connection:
        assert on_board(server, connection) == (["r1"], "r1")


class At:
    """Does something to the server's card, as root, when a phase begins."""

    def __init__(self, server, phase: str, *argv: str):
        self.deed = {phase: lambda: server.inside(*argv)}

    def __call__(self, phase: str) -> None:
        self.deed.get(phase, lambda: None)()


@pytest.mark.parametrize("server", EACH, indirect=True)
def test_a_card_that_somebody_fills_meanwhile_changes_nothing(server, release):
    film = f"of={server.board}/film"
    fills = At(server, "upload", "dd", "if=/dev/zero", film, "bs=64k", f"count={MEGABYTES * 16 - 4}")
    with server.connect() as connection:
        deploy(connection, server.profile, release("r1"))
        built = release("r2", weights=random.Random(0).randbytes(1_000_000))
        with pytest.raises(DiskFull, match="is full: .* Delete files or old releases on it"):
            deploy(connection, server.profile, built, fills)
        assert on_board(server, connection) == (["r1"], "r1")


@pytest.mark.parametrize("server", EACH, indirect=True)
def test_a_card_that_turns_read_only_meanwhile_changes_nothing(server, release):
    locks = At(server, "verify", "mount", "-o", "remount,ro", str(server.board))
    with server.connect() as connection:
        deploy(connection, server.profile, release("r1"))
        with pytest.raises(RemoteFailed, match="Read-only file system.*check its SD card"):
            deploy(connection, server.profile, release("r2"), locks)
        assert on_board(server, connection) == (["r1"], "r1")
        server.inside("mount", "-o", "remount,rw", str(server.board))
        deploy(connection, server.profile, release("r2"))
        assert on_board(server, connection) == (["r1", "r2"], "r2")


FAULTS = {
    "hang": (RemoteTimeout, "did not end within"),
    "noise": (MalformedAnswer, "printed more than"),
    "killed": (RemoteFailed, "was killed, probably for want of memory"),
    "wrong": (WrongAnswer, "does not predict the golden images"),
}


@pytest.mark.parametrize("server", EACH, indirect=True)
def test_a_runner_that_goes_wrong_leaves_the_earlier_release_current(server, release, monkeypatch):
    monkeypatch.setattr(channel, "MAX_STREAMED_BYTES", 2**17)
    with server.connect() as connection:
        deploy(connection, server.profile, release("r1"))
        usual = steps.CHECK_SECONDS
        for fault, (error, words) in FAULTS.items():
            monkeypatch.setattr(steps, "CHECK_SECONDS", 2.0 if fault == "hang" else usual)
            server.order(fault)
            with pytest.raises(error, match=words):
                deploy(connection, server.profile, release("r2"))
            server.order("")
            assert on_board(server, connection) == (["r1"], "r1"), fault


@pytest.mark.parametrize("server", EACH, indirect=True)
def test_a_runner_that_goes_wrong_after_the_switch_is_rolled_back(server, release):
    class TurnsBad(Trial):
        def switched(self, before):
            server.order("killed")

    with server.connect() as connection:
        deploy(connection, server.profile, release("r1"))
        with pytest.raises(RolledBack, match="killed, probably .*release r1 is current again"):
            deploy(connection, server.profile, release("r2"), trial=TurnsBad())
        assert on_board(server, connection) == (["r1"], "r1")
