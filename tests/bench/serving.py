"""A portal of its own for a benchmark: an empty folder, free ports, everything real."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import requests

from portal.cli.client import Client

ROOT = Path(__file__).resolve().parent.parent.parent
START_SECONDS = 90


@dataclass
class Portal:
    """A running portal: where it is, where it keeps its things, and its administrator's password."""

    base: str
    var: Path
    password: str
    board_port: int

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


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextlib.contextmanager
def serving() -> Iterator[Portal]:
    """Set up and serve in a temporary folder; stop and remove it all at the end."""
    with tempfile.TemporaryDirectory(prefix="slipway-bench-") as folder:
        port, board_port = free_port(), free_port()
        env = os.environ | {
            "SLIPWAY_VAR": folder,
            "PORT": str(port),
            "VIRTUAL_BOARD_PORT": str(board_port),
            "PYTHONPATH": str(ROOT),
        }
        manage = [sys.executable, "manage.py"]
        said = subprocess.run(
            [*manage, "setup"], cwd=ROOT, env=env, check=True, capture_output=True, text=True
        )
        password = re.search(r"with the password\s+(\S+)", said.stdout).group(1)
        process = subprocess.Popen([*manage, "serve"], cwd=ROOT, env=env, stdout=subprocess.DEVNULL)
        try:
            yield Portal(f"http://127.0.0.1:{port}", Path(folder), password, board_port)
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait()
