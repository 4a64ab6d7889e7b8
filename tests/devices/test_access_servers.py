"""Keys and passwords on dropbear with the tools of Debian and of busybox, on a copy of /etc."""

import os
import shutil
import subprocess

import pytest

from portal.devices import access, authorizing
from portal.devices.connection import BoardConnection
from portal.devices.errors import WrongPassword
from portal.devices.jumping import fetch_host_key
from tests.devices.boards import until
from tests.devices.test_dropbear import can_isolate, listening
from tests.ports import free_port

OLD, NEW = "lzdz", "a new pass:word"
# In a mount namespace of its own the server sees our folders as the user's home and as /etc.
START = """
set -e
mount --bind "$1/home" "$HOME"
mount --bind "$1/etc" /etc
echo "$(id -un):$2" | chpasswd -c SHA512
useradd -M -d / -s /bin/sh worker
echo "worker:$2" | chpasswd -c SHA512
if [ "$3" = busybox ]; then
  mount --bind "$(command -v busybox)" "$(command -v passwd)"
  mount --bind /dev/null "$(command -v chpasswd)"
fi
exec dropbear -F -E -p "127.0.0.1:$4" -r "$1/host_key" -P "$1/pid"
"""
pytestmark = [
    pytest.mark.ssh,
    pytest.mark.skipif(not can_isolate(), reason="needs dropbear and unshare -m, as root"),
]


@pytest.fixture(params=["debian", "busybox"])
def port(request, tmp_path):
    if request.param == "busybox" and not shutil.which("busybox"):
        pytest.skip("busybox is not installed")
    (tmp_path / "home").mkdir(mode=0o700)
    subprocess.run(["cp", "-a", "/etc", tmp_path / "etc"], check=True)
    argv = ["dropbearkey", "-t", "ed25519", "-f", tmp_path / "host_key"]
    subprocess.run(argv, check=True, capture_output=True)
    number = free_port()
    argv = ["unshare", "-m", "sh", "-c", START, "sh", tmp_path, OLD, request.param, str(number)]
    with (tmp_path / "log").open("wb") as log:
        server = subprocess.Popen(argv, stdout=log, stderr=log)
    until(lambda: listening(number) or server.poll() is not None, "dropbear to listen")
    assert server.poll() is None, (tmp_path / "log").read_text("utf-8")
    yield number
    server.terminate()
    server.wait()


def connect(port, **secret):
    host_key = fetch_host_key("127.0.0.1", port)
    return BoardConnection.connect("127.0.0.1", port, host_key=host_key, **secret)


def test_a_password_is_changed_and_a_key_installed(port, tmp_path):
    def prove(password):
        connect(port, password=password).close()

    private, line = access.new_key("slipway-device-7")
    with connect(port, password=OLD) as connection:
        authorizing.set_password(connection, "root", OLD, NEW, prove)
        with pytest.raises(WrongPassword):
            prove(OLD)
        hashed = (tmp_path / "etc" / "shadow").read_text("utf-8").split("root:")[1]
        assert hashed.startswith("$"), "not DES, which knows eight characters only"
        file = authorizing.add_key(connection, line, lambda: connect(port, private_key=private).close())
        assert file == ".ssh/authorized_keys"
    with connect(port, private_key=private) as connection:
        authorizing.remove_key(connection, line)
    with pytest.raises(WrongPassword):
        connect(port, private_key=private)
    assert os.listdir(tmp_path / "home" / ".ssh") == ["authorized_keys"]


def test_a_user_who_is_not_root_changes_its_own_password(port, request):
    def prove(password):
        connect(port, user="worker", password=password).close()

    with connect(port, user="worker", password=OLD) as connection:
        if "busybox" in request.node.name:  # its passwd is not setuid there
            with pytest.raises(authorizing.NotAuthorized, match="of worker .* could not be changed"):
                authorizing.set_password(connection, "worker", OLD, NEW, prove)
            return prove(OLD)
        authorizing.set_password(connection, "worker", OLD, NEW, prove)
    prove(NEW)
    with pytest.raises(WrongPassword):
        prove(OLD)
    return None
