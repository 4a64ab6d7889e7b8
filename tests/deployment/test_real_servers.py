"""Deployments to the SSH servers of real boards: dropbear, with OpenSSH's SFTP server and without; busybox's
tools; a read-only root with one writable folder. No ``python`` is in the path of any of them."""

import os
import shutil
import socket
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import paramiko
import pytest

from portal.deployment.steps import activate, deploy, list_releases, prune
from portal.devices import fitness
from portal.devices.connection import BoardConnection
from portal.devices.hostkeys import fetch_host_key
from portal.devices.probe import probe
from tests.devices.boards import until
from tests.devices.tiny import tiny_profile, tiny_python, tiny_release

SFTP_SERVER = "/usr/lib/sftp-server"
PYTHON = shutil.which("python3", path="/usr/bin:/bin") or sys.executable  # not below the home that is hidden
TOOLS = "cat date df mkdir mv readlink rm sha256sum tar uname"
# In a mount namespace of its own the server sees our folder as the user's home, and the tools that we choose.
START = """
set -e
mount --bind "$HOME_HERE" "$HOME"
mount --bind "$BOARD" "$BOARD"
if [ "$KIND" = no-sftp ] || [ "$KIND" = busybox ]; then mount --bind /dev/null "$SFTP_SERVER"; fi
if [ "$KIND" = busybox ]; then
  for tool in $TOOLS; do mount --bind "$BUSYBOX" "$(command -v "$tool")"; done
fi
if [ "$KIND" = read-only ]; then mount --bind /tmp /tmp; mount -o remount,bind,ro /; fi
exec dropbear -F -E -s -p "127.0.0.1:$PORT" -r "$HOST_KEY" -P "$BOARD/pid"
"""


def can_isolate() -> bool:
    return (
        all(map(shutil.which, ("dropbear", "dropbearkey", "unshare")))
        and os.geteuid() == 0
        and Path(SFTP_SERVER).exists()
        and subprocess.run(["unshare", "-m", "true"], capture_output=True).returncode == 0
    )


pytestmark = [
    pytest.mark.ssh,
    pytest.mark.skipif(not can_isolate(), reason="needs dropbear, its SFTP server and unshare -m, as root"),
]


class Server:
    """dropbear in a mount namespace of its own; ``board`` is the folder that can be written to."""

    def __init__(self, folder: Path, kind: str):
        self.board, self._folder = folder / "board", folder
        self.board.mkdir()
        key = paramiko.ECDSAKey.generate()
        self.private = folder / "private"
        key.write_private_key_file(str(self.private))
        home = folder / "home"
        (home / ".ssh").mkdir(mode=0o700, parents=True)
        home.chmod(0o700)
        (home / ".ssh" / "authorized_keys").write_text(f"{key.get_name()} {key.get_base64()}\n", "utf-8")
        subprocess.run(
            ["dropbearkey", "-t", "ed25519", "-f", folder / "host"], check=True, capture_output=True
        )
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.process = self._start(home, kind)

    def _start(self, home: Path, kind: str) -> subprocess.Popen:
        environment = os.environ | {
            "HOME_HERE": str(home), "BOARD": str(self.board), "PORT": str(self.port), "KIND": kind,
            "HOST_KEY": str(self._folder / "host"), "SFTP_SERVER": SFTP_SERVER, "TOOLS": TOOLS,
            "BUSYBOX": shutil.which("busybox") or "",
        }  # fmt: skip
        log = self._folder / "log"
        with log.open("wb") as stream:
            argv = ["unshare", "-m", "sh", "-c", START]
            process = subprocess.Popen(argv, env=environment, stdout=stream, stderr=stream)
        until(lambda: self._listens() or process.poll() is not None, "dropbear to listen")
        assert process.poll() is None, log.read_text("utf-8")
        return process

    def _listens(self) -> bool:
        with socket.socket() as attempt:
            return attempt.connect_ex(("127.0.0.1", self.port)) == 0

    def connect(self) -> BoardConnection:
        key = fetch_host_key("127.0.0.1", self.port)
        private = self.private.read_text("utf-8")
        return BoardConnection.connect("127.0.0.1", self.port, host_key=key, private_key=private)

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait()


@pytest.fixture(params=["sftp", "no-sftp", "busybox", "read-only"])
def server(request, tmp_path):
    if request.param == "busybox" and not shutil.which("busybox"):
        pytest.skip("busybox is not installed")
    started = Server(tmp_path, request.param)
    started.kind = request.param
    yield started
    started.stop()


def test_releases_are_deployed_rolled_back_and_pruned(server, tmp_path):
    profile = replace(tiny_profile(tiny_python(tmp_path, python=PYTHON)), root=f"{server.board}/slipway")
    with server.connect() as connection:
        assert (connection.sftp() is not None) is (server.kind in ("sftp", "read-only"))
        for name in ("r1", "r2", "r3"):
            assert deploy(connection, profile, tiny_release(tmp_path, name, profile)).upload.sent
        assert activate(connection, profile, "r1")["before"] == "r3"
        assert prune(connection, profile, 2) == ["r2"]
        assert list_releases(connection, profile)["current"] == "r1"
        facts = probe(connection, profile)
    assert facts["problems"] == [] and facts["writable"] is True
    assert fitness.worst(fitness.of_probe(facts, profile)) in ("fit", "unknown")


@pytest.mark.parametrize("server", ["read-only"], indirect=True)
def test_a_root_that_is_read_only_is_told_before_anything_is_sent(server, tmp_path):
    profile = replace(tiny_profile(tiny_python(tmp_path, python=PYTHON)), root="/opt/slipway")
    with server.connect() as connection:
        lines = fitness.of_probe(probe(connection, profile), profile)
    with pytest.raises(fitness.Unfit, match="read-only at /opt/slipway: mount it for writing"):
        fitness.refuse_unless_fit(lines)
