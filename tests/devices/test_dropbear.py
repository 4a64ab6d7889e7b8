"""The client against dropbear, the SSH server of most small boards."""

import os
import shutil
import socket
import subprocess
from dataclasses import replace
from pathlib import Path

import paramiko
import pytest

from portal.devices.connection import BoardConnection
from portal.devices.errors import HostKeyChanged, WrongPassword
from portal.devices.jumping import Jump, fetch_host_key
from portal.devices.probe import probe
from tests.devices.boards import PROFILE, until
from tests.ports import free_port

SFTP_SERVER = "/usr/lib/sftp-server"
# dropbear reads the keys of the user's own home. In a mount namespace of its own it sees ours there, and the
# user's, which may have no .ssh at all, is never touched.
START = """
set -e
mount --bind "$1" "$HOME"
if [ "$4" = no-sftp ]; then mount --bind /dev/null "$5"; fi
exec dropbear -F -E -s -p "127.0.0.1:$2" -r "$3" -P "$3.pid"
"""


def can_isolate() -> bool:
    return (
        all(map(shutil.which, ("dropbear", "dropbearkey", "unshare")))
        and os.geteuid() == 0
        and subprocess.run(["unshare", "-m", "true"], capture_output=True).returncode == 0
    )


pytestmark = [
    pytest.mark.ssh,
    pytest.mark.skipif(not can_isolate(), reason="needs dropbear and unshare -m, as root"),
]


@pytest.fixture(params=["sftp", "no-sftp"])
def dropbear(request, tmp_path):
    if request.param == "sftp" and not Path(SFTP_SERVER).exists():
        pytest.skip(f"{SFTP_SERVER} is not installed")
    key = paramiko.ECDSAKey.generate()
    home = tmp_path / "home"
    ssh = home / ".ssh"
    ssh.mkdir(mode=0o700, parents=True)
    home.chmod(0o700)
    (ssh / "authorized_keys").write_text(f"{key.get_name()} {key.get_base64()}\n", "utf-8")
    host_key = tmp_path / "host_key"
    subprocess.run(["dropbearkey", "-t", "ed25519", "-f", host_key], check=True, capture_output=True)
    port = free_port()
    script = ["sh", "-c", START, "sh", str(home), str(port), str(host_key), request.param, SFTP_SERVER]
    with (tmp_path / "log").open("wb") as log:
        server = subprocess.Popen(["unshare", "-m", *script], stdout=log, stderr=log)
    until(lambda: listening(port) or server.poll() is not None, "dropbear to listen")
    assert server.poll() is None, (tmp_path / "log").read_text("utf-8")
    private = tmp_path / "private"
    key.write_private_key_file(str(private))
    yield port, private.read_text("utf-8"), request.param == "sftp"
    server.terminate()
    server.wait()


def listening(port):
    with socket.socket() as attempt:
        return attempt.connect_ex(("127.0.0.1", port)) == 0


def test_commands_and_files_work_with_and_without_sftp(dropbear, tmp_path):
    port, private, has_sftp = dropbear
    pinned = fetch_host_key("127.0.0.1", port)
    target = str(tmp_path / "on the board")
    with BoardConnection.connect("127.0.0.1", port, host_key=pinned, private_key=private) as connection:
        assert (connection.sftp() is not None) is has_sftp
        assert connection.run(["echo", "it's $HOME"]).stdout == "it's $HOME\n"
        assert connection.run(["sh", "-c", "exit 7"]).status == 7
        connection.make_folder(target)
        connection.put_bytes(b"x" * 200_000, f"{target}/a.bin")
        assert connection.get(f"{target}/a.bin") == b"x" * 200_000
        connection.put_many({"b": b"1", "c": b"2"}, f"{target}/many", python="python3")
        assert sorted(path.name for path in Path(target, "many").iterdir()) == ["b", "c"]
        facts = probe(connection, replace(PROFILE, python="python3", root=target))
    assert facts["ssh_server"].startswith("SSH-2.0-dropbear")
    assert "install the vendor's SDK" in facts["problems"][0]


def test_it_forwards_connections_as_a_jump_host(dropbear, tmp_path):
    port, private, _ = dropbear
    pinned = fetch_host_key("127.0.0.1", port)
    jump = Jump("Gate", "127.0.0.1", port, "root", str(pinned), private_key=private)
    access = {"host_key": pinned, "private_key": private, "jump": jump}
    with BoardConnection.connect("127.0.0.1", port, **access) as connection:
        assert len(connection.run(["head", "-c", "900000", "/dev/zero"]).stdout) == 900_000
        connection.put_bytes(b"x" * 2_000_000, str(tmp_path / "put.bin"))


def test_a_wrong_key_and_a_changed_host_key_are_refused(dropbear):
    port, private, _ = dropbear
    pinned = fetch_host_key("127.0.0.1", port)
    with pytest.raises(WrongPassword, match="does not take this way of logging in"):
        BoardConnection.connect("127.0.0.1", port, host_key=pinned, password="guess")
    with pytest.raises(HostKeyChanged):
        BoardConnection.connect(
            "127.0.0.1", port, host_key="ssh-ed25519 SHA256:" + "a" * 43, private_key=private
        )
