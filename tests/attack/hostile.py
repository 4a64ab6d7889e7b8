"""The hostile board in a process of its own, so that what it costs is not counted as the portal's."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from portal.devices.connection import BoardConnection
from tests.devices.boards import PASSWORD

PROJECT = Path(__file__).resolve().parents[2]


class RunningHostileBoard:
    """Starts it in the mode ``good``; ``order`` changes the mode while it runs."""

    def __init__(self) -> None:
        argv = [sys.executable, "-m", "tests.attack.hostile_board", "--password", PASSWORD]
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(argv, cwd=PROJECT, stdin=pipe, stdout=pipe, text=True)
        self.state = json.loads(self._process.stdout.readline())

    def order(self, mode: str = "good", at: str = "") -> None:
        self._obey(f"{mode} {at}".strip())

    def renew(self) -> None:
        """As good as new: without files and without faults."""
        self._obey("clean")
        self.order("good")

    def leave(self) -> None:
        """Be away from now on, until ``come_back``."""
        self._obey("leave")

    def come_back(self) -> None:
        self._obey("come_back")

    def _obey(self, line: str) -> None:
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline().strip()
        assert answer == "ok", answer

    def connect(self, **changes) -> BoardConnection:
        access = {"host_key": self.state["host_key"], "password": PASSWORD, "timeout": 30.0} | changes
        return BoardConnection.connect("127.0.0.1", self.state["port"], "root", **access)

    def stop(self) -> None:
        self._process.stdin.close()
        self._process.kill()
        self._process.wait()
        self._process.stdout.close()
