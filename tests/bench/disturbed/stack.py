"""The compose stack as the chaos bench runs it: parts with a small disk of their own, and a virtual board."""

from __future__ import annotations

import contextlib
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from slipway import Client

from tests.bench.disturbed.disks import small_disks
from tests.containers.run_compose import ROOT, Stack

PROJECT = "slipway-chaos"
# Every one is disturbed. The workers' queues are as in docker-compose.yml.
SERVICES = (
    "proxy", "portal", "worker", "worker-deploy", "worker-camera", "worker-train", "worker-convert",
    "upkeep", "errands", "beat", "postgres", "redis", "s3", "virtual-board",
)  # fmt: skip
# Megabytes of the disks that are filled: service, volume, size.
DISKS = {
    "portal": ("portal-work", 1500),
    "worker": ("worker-work", 1000),
    "worker-deploy": ("deploy-work", 500),
    "worker-train": ("train-work", 3000),
    "worker-convert": ("convert-work", 2000),
    "postgres": ("postgres-data", 2500),
    "redis": ("redis-data", 300),
    "s3": ("s3-data", 12_000),
    "virtual-board": ("board-files", 600),
}
START_SECONDS = 300
SCOPES = ["read", "datasets", "runs", "deploy", "admin"]


def docker(*argv: str, seconds: float = 240) -> str:
    """What a docker command said; raises CalledProcessError."""
    nothing = subprocess.DEVNULL
    done = subprocess.run(
        ["docker", *argv], check=True, capture_output=True, text=True, timeout=seconds, stdin=nothing
    )
    return done.stdout.strip()


class ChaosStack:
    """A running stack: ``client()`` for what the work needs of it, ids and addresses of its containers."""

    def __init__(self, stack: Stack, secrets: dict[str, str], port: int, disks: dict[str, Path]):
        self.stack, self.secrets, self.disks = stack, secrets, disks
        self.base, self.secure_base = f"http://127.0.0.1:{port}", f"https://localhost:{port + 2}"
        self.ids: dict[str, str] = {}
        self.password = ""

    def up(self) -> None:
        self.stack.run("up", "--detach", *SERVICES, check=True)
        self.ids = {name: self.stack.container(name) for name in SERVICES}
        said = docker("logs", self.stack.container("setup"))
        self.password = re.search(r"with the password\s+(\S+)", said)[1]

    def client(self, authority: Path | None = None) -> Client:
        """With the certificate of the proxy's own authority, by its TLS address."""
        client = Client(self.secure_base, cacert=str(authority)) if authority else Client(self.base)
        client.wait_until_up(START_SECONDS)
        client.sign_in("admin", self.password, "bench", SCOPES, days=1)
        return client

    def authority(self, folder: Path) -> Path:
        """The root certificate of the proxy's own authority, as the README says."""
        root = "/data/caddy/pki/authorities/local/root.crt"
        docker("cp", f"{self.ids['proxy']}:{root}", str(folder / "root.crt"))
        return folder / "root.crt"

    def inspect(self, service: str) -> dict:
        return json.loads(docker("inspect", self.ids[service]))[0]

    def networks(self, service: str) -> list[str]:
        return sorted(self.inspect(service)["NetworkSettings"]["Networks"])

    def address(self, service: str) -> str:
        """On the network of the stack, which the machine reaches as well."""
        found = self.inspect(service)["NetworkSettings"]["Networks"]
        return found[f"{PROJECT}_inside"]["IPAddress"]

    def processes(self, service: str) -> dict[int, str]:
        """Process ids, as the machine counts them, and argument lists of what runs in a container."""
        lines = docker("top", self.ids[service], "-eo", "pid,args").splitlines()[1:]
        return {int(pid): said for pid, said in (line.split(None, 1) for line in lines)}

    def connect_database(self, folder: Path) -> None:
        """Let this process read the rows and files of the stack, with the present addresses."""
        secrets = self.secrets
        os.environ |= {
            "SLIPWAY_VAR": str(folder),
            "DJANGO_SETTINGS_MODULE": "portal.settings",
            "LOG_LEVEL": "WARNING",
            "SECRET_KEY": secrets["SECRET_KEY"],
            "ENCRYPTION_KEY": secrets["ENCRYPTION_KEY"],
            "DATABASE_URL": f"postgresql://slipway:{secrets['POSTGRES_PASSWORD']}@{self.address('postgres')}:5432/slipway",
            "REDIS_URL": f"redis://:{secrets['REDIS_PASSWORD']}@{self.address('redis')}:6379/0",
            "FILES_S3_BUCKET": "slipway",
            "FILES_S3_ENDPOINT": f"http://{self.address('s3')}:8333",
            "AWS_ACCESS_KEY_ID": secrets["S3_ACCESS_KEY"],
            "AWS_SECRET_ACCESS_KEY": secrets["S3_SECRET_KEY"],
            "AWS_DEFAULT_REGION": "us-east-1",
        }
        import django

        django.setup()


@contextlib.contextmanager
def running(folder: Path, port: int, real_images: bool, keep: bool) -> Iterator[ChaosStack]:
    """Start the stack with images that are there; remove it with its volumes at the end, unless ``keep``."""
    secrets = folder / "secrets.env"
    make_env = ROOT / "configs/containers/make_env.py"
    subprocess.run([sys.executable, str(make_env), str(secrets)], check=True, stdout=subprocess.DEVNULL)
    values = dict(line.split("=", 1) for line in secrets.read_text().splitlines() if "=" in line[1:])
    sizes = {volume: size for volume, size in DISKS.values()}
    with small_disks(folder, sizes) as places:
        more = folder / "chaos.yml"
        more.write_text(json.dumps(_override(places)))
        stack = Stack(
            secrets, real_images, port, PROJECT, more, DRAIN_SECONDS="10", CHECKPOINT_MINUTES="1",
            SITE_ADDRESS="http://:8000, https://localhost", SITE_TLS="internal",
        )  # fmt: skip
        disks = {service: places[volume] for service, (volume, _) in DISKS.items()}
        chaos = ChaosStack(stack, values, port, disks)
        try:
            chaos.up()
            yield chaos
        finally:
            if keep:
                input("The stack is left running; press Enter to remove it. ")
            stack.run("down", "--volumes", "--timeout", "20")
            time.sleep(1)


def _override(places: dict[str, Path]) -> dict:
    volumes = {
        name: {"driver": "local", "driver_opts": {"type": "none", "o": "bind", "device": str(place)}}
        for name, place in places.items()
    }
    return {"services": {"portal": {"volumes": ["portal-work:/var/lib/slipway"]}}, "volumes": volumes}
