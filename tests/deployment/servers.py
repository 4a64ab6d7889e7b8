"""The SSH servers of real boards, each in a mount namespace of its own: dropbear, with OpenSSH's SFTP server
and without; OpenSSH, as a user without rights; busybox's tools; a read-only root with one writable folder.
No ``python`` is in the path of any of them."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import paramiko

from portal.core.configs import BoardProfile
from portal.devices.connection import BoardConnection
from portal.devices.hostkeys import HostKey
from portal.devices.jumping import fetch_host_key
from tests.devices.boards import until
from tests.devices.tiny import LIBRARY, tiny_profile, tiny_python
from tests.ports import free_port

SFTP_SERVER = "/usr/lib/sftp-server"
SSHD = "/usr/sbin/sshd"
PYTHON = shutil.which("python3", path="/usr/bin:/bin") or sys.executable  # not below the home that is hidden
TOOLS = "cat date df mkdir mv readlink rm sha256sum tar uname"
KINDS = ("dropbear", "no-sftp", "busybox", "read-only", "openssh")
USER = 12345  # of OpenSSH: it may do nothing outside its folder
MEGABYTES = 4  # that fit on the board's card
# In a mount namespace of its own the server sees our folder as the user's home, and the tools that we choose.
START = """
set -e
mount -t tmpfs -o "size=${MEGABYTES}m,mode=755" card "$BOARD"
if [ "$KIND" = openssh ]; then
  echo "board:x:$USER_ID:$USER_ID::$HOME_HERE:/bin/sh" > "$FOLDER/passwd"
  mount --bind "$FOLDER/passwd" /etc/passwd
  chown -R "$USER_ID:$USER_ID" "$FOLDER"
  exec setpriv --reuid="$USER_ID" --regid="$USER_ID" --clear-groups "$SSHD" -D -e -f "$FOLDER/sshd_config"
fi
mount --bind "$HOME_HERE" "$HOME"
if [ "$KIND" = no-sftp ] || [ "$KIND" = busybox ]; then mount --bind /dev/null "$SFTP_SERVER"; fi
if [ "$KIND" = busybox ]; then
  for tool in $TOOLS; do mount --bind "$BUSYBOX" "$(command -v "$tool")"; done
fi
if [ "$KIND" = read-only ]; then mount --bind /tmp /tmp; mount -o remount,bind,ro /; fi
exec dropbear -F -E -s -p "127.0.0.1:$PORT" -r "$HOST_KEY" -P "$BOARD/pid"
"""
SSHD_CONFIG = """
ListenAddress 127.0.0.1:{port}
HostKey {folder}/host
AuthorizedKeysFile {folder}/home/.ssh/authorized_keys
PidFile none
UsePAM no
StrictModes no
PasswordAuthentication no
Subsystem sftp {sftp}
"""


def can_isolate() -> bool:
    return (
        all(map(shutil.which, ("dropbear", "dropbearkey", "ssh-keygen", "unshare", "setpriv", "nsenter")))
        and os.geteuid() == 0
        and all(Path(place).exists() for place in (SFTP_SERVER, SSHD))
        and subprocess.run(["unshare", "-m", "true"], capture_output=True).returncode == 0
    )


class Server:
    """An SSH server; ``board`` is the folder that can be written to, a card of a few megabytes."""

    def __init__(self, kind: str):
        self.kind, self.port = kind, free_port()
        # Not below pytest's folder, which other users cannot enter.
        self.folder = Path(tempfile.mkdtemp(prefix="slipway-board-"))
        self.folder.chmod(0o755)
        self.board, home = self.folder / "board", self.folder / "home"
        for place in (self.board, home, home / ".ssh"):
            place.mkdir(mode=0o700)
        self.library = shutil.copytree(LIBRARY, self.folder / "library")
        python = tiny_python(self.folder, self.library, PYTHON)
        self.profile: BoardProfile = replace(tiny_profile(python), root=f"{self.board}/slipway")
        self._make_keys(home)
        self.process = self._start(home)

    def _make_keys(self, home: Path) -> None:
        key = paramiko.ECDSAKey.generate()
        self.private = self.folder / "private"
        key.write_private_key_file(str(self.private))
        (home / ".ssh" / "authorized_keys").write_text(f"{key.get_name()} {key.get_base64()}\n", "utf-8")
        argv = {
            True: ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(self.folder / "host")],
            False: ["dropbearkey", "-t", "ed25519", "-f", str(self.folder / "host")],
        }[self.kind == "openssh"]
        subprocess.run(argv, check=True, capture_output=True)

    def _start(self, home: Path) -> subprocess.Popen:
        config = SSHD_CONFIG.format(port=self.port, folder=self.folder, sftp=SFTP_SERVER)
        (self.folder / "sshd_config").write_text(config, "utf-8")
        environment = os.environ | {
            "HOME_HERE": str(home), "BOARD": str(self.board), "PORT": str(self.port), "KIND": self.kind,
            "HOST_KEY": str(self.folder / "host"), "SFTP_SERVER": SFTP_SERVER, "TOOLS": TOOLS,
            "BUSYBOX": shutil.which("busybox") or "", "FOLDER": str(self.folder), "SSHD": SSHD,
            "USER_ID": str(USER), "MEGABYTES": str(MEGABYTES),
        }  # fmt: skip
        log = self.folder / "log"
        with log.open("wb") as stream:
            argv = ["unshare", "-m", "sh", "-c", START]
            process = subprocess.Popen(argv, env=environment, stdout=stream, stderr=stream)
        until(lambda: self._listens() or process.poll() is not None, "the server to listen")
        assert process.poll() is None, log.read_text("utf-8")
        return process

    def _listens(self) -> bool:
        with socket.socket() as attempt:
            return attempt.connect_ex(("127.0.0.1", self.port)) == 0

    @property
    def host_key(self) -> HostKey:
        return fetch_host_key("127.0.0.1", self.port)

    def connect(self, port: int | None = None) -> BoardConnection:
        """By a ``port`` of ours that leads there, if given."""
        private = self.private.read_text("utf-8")
        access = {"user": "board" if self.kind == "openssh" else "root", "private_key": private}
        return BoardConnection.connect("127.0.0.1", port or self.port, host_key=self.host_key, **access)

    def inside(self, *argv: str) -> None:
        """Run a command as root where the server runs, with its mounts."""
        argv = ("nsenter", "-t", str(self.process.pid), "-m", *argv)
        subprocess.run(argv, check=True, capture_output=True)

    def order(self, fault: str) -> None:
        """What its library does wrong from now on."""
        file = self.library / "lockzhiner_vision_module" / "fault"
        file.write_text(fault, "utf-8")
        file.chmod(0o644)

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)
