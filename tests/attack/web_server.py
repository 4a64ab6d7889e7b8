"""A web server of its own, as ``make serve`` runs it but for the other programs, in an empty folder.

``impatient`` shortens its deadlines, for tests that wait for them.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from tests.bench.serving import ROOT, Portal

START_SECONDS = 90
IMPATIENT = """
import os
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
from portal.ops.front import limits
limits.HEAD_SECONDS = limits.BODY_SECONDS = limits.STALL_SECONDS = limits.IDLE_SECONDS = 2.0
limits.BODY_BYTES_PER_SECOND = 1024 * 1024
from portal.ops import web
web.main()
"""


def environment(var: Path) -> dict[str, str]:
    """Without a name of settings: not those of the tests, but those that each program takes by itself."""
    inherited = {name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"}
    return inherited | {"SLIPWAY_VAR": str(var), "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}


def set_up(var: Path) -> str:
    """Fill the folder with tables and a first administrator; return the password."""
    made, password = _set_up_once()
    shutil.copytree(made, var, dirs_exist_ok=True)
    return password


@functools.cache
def _set_up_once() -> tuple[Path, str]:
    """A folder to copy, for migrations take ten seconds."""
    folder = tempfile.mkdtemp(prefix="slipway-set-up-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    var = Path(folder)
    said = subprocess.run(
        [sys.executable, "manage.py", "setup"],
        cwd=ROOT,
        env=environment(var),
        check=True,
        capture_output=True,
        text=True,
    )
    return var, re.search(r"with the password\s+(\S+)", said.stdout).group(1)


class WebServer(Portal):
    """Its one process; ``log`` is what it has written."""

    process: subprocess.Popen

    @property
    def address(self) -> tuple[str, int]:
        host, _, port = self.base.removeprefix("http://").partition(":")
        return host, int(port)

    @property
    def log(self) -> str:
        return (self.var / "web.log").read_text(encoding="utf-8")

    def connect(self, timeout: float = 30) -> socket.socket:
        return socket.create_connection(self.address, timeout)

    def answers(self, within: float = 20) -> bool:
        """What a stranger asks for in a plain way is answered."""
        with self.connect(within) as sock:
            sock.sendall(b"GET /sign-in/ HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            return receive(sock).startswith(b"HTTP/1.1 200")

    def stop(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(20)
        finally:
            self.process.kill()
            self.process.wait()


def receive(sock: socket.socket, most: int = 1 << 20) -> bytes:
    """What comes until the other side closes, at most ``most`` bytes."""
    found = b""
    with contextlib.suppress(ConnectionError):
        while len(found) < most and (block := sock.recv(65536)):
            found += block
    return found


@contextlib.contextmanager
def web_server(var: Path, impatient: bool = False) -> Iterator[WebServer]:
    password = set_up(var)
    with socket.socket() as listening, (var / "web.log").open("wb") as log:
        listening.bind(("127.0.0.1", 0))
        listening.listen(1024)
        base = f"http://127.0.0.1:{listening.getsockname()[1]}"
        server = WebServer(base, var, password, 0)
        start = ["-c", IMPATIENT] if impatient else ["-m", "portal.ops.web"]
        server.process = subprocess.Popen(
            [sys.executable, *start], cwd=ROOT, env=environment(var), stdin=listening, stdout=log, stderr=log
        )
    try:
        ends = time.monotonic() + START_SECONDS
        while not _is_up(server):
            assert server.process.poll() is None and time.monotonic() < ends, server.log
            time.sleep(0.1)
        yield server
    finally:
        server.stop()


def _is_up(server: WebServer) -> bool:
    with contextlib.suppress(OSError):
        return server.answers(within=START_SECONDS)
    return False
