"""A portal of its own for a benchmark: an empty folder, free ports, everything real."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import requests
from slipway import Client

from tests.ports import free_port

ROOT = Path(__file__).resolve().parent.parent.parent
START_SECONDS = 240  # a dozen programs on a busy machine with two cores
STOP_SECONDS = 60


@dataclass
class Portal:
    """A running portal: where it is, where it keeps its things, and its administrator's password.

    ``settings`` are further environment variables of ``manage.py serve``.
    """

    base: str
    var: Path
    password: str
    board_port: int
    settings: dict[str, str] = field(default_factory=dict)
    server: subprocess.Popen | None = None

    def client(self) -> Client:
        client = Client(self.base)
        client.wait_until_up(START_SECONDS)
        client.sign_in(
            "admin", self.password, "bench", ["read", "datasets", "runs", "deploy", "admin"], days=1
        )
        return client

    def cookies(self) -> dict[str, str]:
        """Those of the administrator, signed in by the page, for a browser."""
        session = requests.Session()
        session.get(f"{self.base}/sign-in/", timeout=30)
        form = {
            "username": "admin",
            "password": self.password,
            "csrfmiddlewaretoken": session.cookies["csrftoken"],
        }
        session.post(f"{self.base}/sign-in/", form, headers={"Referer": self.base}, timeout=30)
        return dict(session.cookies)

    @property
    def environment(self) -> dict[str, str]:
        return os.environ | {
            "SLIPWAY_VAR": str(self.var),
            "PORT": self.base.rpartition(":")[2],
            "VIRTUAL_BOARD_PORT": str(self.board_port),
            "PYTHONPATH": str(ROOT),
            **self.settings,
        }

    def serve(self) -> None:
        """Start ``manage.py serve`` as a person would, and do not wait until it answers."""
        command = [sys.executable, "manage.py", "serve"]
        self.server = subprocess.Popen(command, cwd=ROOT, env=self.environment, stdout=subprocess.DEVNULL)

    def stop(self) -> None:
        """End ``manage.py serve`` by SIGTERM; by SIGKILL if it does not go."""
        if self.server is None:
            return
        self.server.send_signal(signal.SIGTERM)
        try:
            self.server.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.server.kill()
            self.server.wait()


def set_up(portal: Portal) -> None:
    """Make its tables and its administrator."""
    command = [sys.executable, "manage.py", "setup"]
    said = subprocess.run(
        command, cwd=ROOT, env=portal.environment, check=True, capture_output=True, text=True
    )
    portal.password = re.search(r"with the password\s+(\S+)", said.stdout).group(1)


@contextlib.contextmanager
def serving(place: Path | None = None, **settings: str) -> Iterator[Portal]:
    """Set up and serve in a temporary folder, below ``place`` if given; stop and remove it at the end."""
    with tempfile.TemporaryDirectory(prefix="slipway-bench-", dir=place) as folder:
        portal = Portal(f"http://127.0.0.1:{free_port()}", Path(folder), "", free_port(), settings)
        set_up(portal)
        portal.serve()
        try:
            yield portal
        finally:
            portal.stop()
