"""Does the main job in the real compose stack, with the real toolchain, and prints figures.

    python3 tests/containers/run_compose.py [--real-images] [--keep]

Needs docker with BuildKit, docker compose (either version) and, without ``--real-images``, the images of
make_stand_ins.py. Uses a project name, secrets and a port of its own, and removes containers, networks and
volumes at the end. The last line is one JSON object; status 0 when the demo succeeded.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PROJECT = "slipway-check"
STAND_INS = {
    "BASE_IMAGE": "slipway-stand-in/python",
    "POSTGRES_IMAGE": "slipway-stand-in/postgres",
    "REDIS_IMAGE": "slipway-stand-in/redis",
    "S3_IMAGE": "slipway-stand-in/s3",
    "PROXY_IMAGE": "slipway-stand-in/proxy",
}
TARGETS = ("portal", "worker-deploy", "worker-convert", "worker-train", "virtual-board")
FIGURES = ("paddle_top1", "onnx_top1", "int8_top1", "board_top1", "board_images", "board_agreement")


class Failed(Exception):
    """The stack did not do what it must; the message says which."""


class Stack:
    """The compose project: how it is called, and in which environment.

    ``more`` is a further compose file, over the other one; ``settings`` are further variables.
    """

    def __init__(
        self,
        secrets: Path,
        real_images: bool,
        port: int,
        project: str = PROJECT,
        more: Path | None = None,
        **settings: str,
    ):
        self.project = project
        files = ["-f", str(ROOT / "docker-compose.yml"), "-f", str(more)] if more else []
        plugin = subprocess.run(["docker", "compose", "version"], capture_output=True).returncode == 0
        self.program = ["docker", "compose"] if plugin else ["docker-compose"]
        self.argv = [*self.program, *files, "--env-file", str(secrets), "-p", project, "--profile", "demo"]
        self.environment = os.environ | {
            "DOCKER_BUILDKIT": "1",
            "COMPOSE_DOCKER_CLI_BUILD": "1",
            "WEB_ADDRESS": f"127.0.0.1:{port}",
            "HTTP_ADDRESS": f"127.0.0.1:{port + 1}",
            "HTTPS_ADDRESS": f"127.0.0.1:{port + 2}",
            **({} if real_images else STAND_INS),
            **settings,
        }

    def run(self, *argv: str, **options) -> subprocess.CompletedProcess:
        return subprocess.run([*self.argv, *argv], cwd=ROOT, env=self.environment, **options)

    def container(self, service: str) -> str:
        """The id of a service's container, running or not."""
        query = ["docker", "ps", "-aq", "--filter", f"label=com.docker.compose.project={self.project}"]
        query += ["--filter", f"label=com.docker.compose.service={service}"]
        return subprocess.run(query, check=True, capture_output=True, text=True).stdout.split()[0]


def build(stack: Stack) -> dict:
    """Build every image; seconds and sizes in bytes."""
    began = time.monotonic()
    stack.run("build", check=True)
    sizes = {}
    for target in TARGETS:
        argv = ["docker", "image", "inspect", "--format", "{{.Size}}", f"slipway-{target}"]
        sizes[target] = int(subprocess.run(argv, check=True, capture_output=True, text=True).stdout)
    return {"build_seconds": round(time.monotonic() - began), "image_bytes": sizes}


def demo(stack: Stack, folder: Path) -> dict:
    """Start everything, wait for the demo to end, and return what it reported."""
    began = time.monotonic()
    if stack.run("up", "--detach").returncode:
        raise Failed("The stack did not start; the logs are above.")
    started = time.monotonic()
    container = stack.container("demo")
    subprocess.run(["docker", "logs", "--follow", container], check=True)
    status = subprocess.run(["docker", "wait", container], check=True, capture_output=True, text=True)
    if int(status.stdout):
        raise Failed(f"The demo ended with status {status.stdout.strip()}; the logs are above.")
    target = folder / "report.json"
    subprocess.run(
        ["docker", "cp", f"{container}:/var/lib/slipway/demo/report.json", str(target)], check=True
    )
    report = json.loads(target.read_text(encoding="utf-8"))
    figures = {name: report[name] for name in FIGURES}
    times = {"up_seconds": round(started - began), "demo_seconds": round(time.monotonic() - started)}
    return figures | times | {"seconds": report["seconds"]}


def proxied(port: int) -> dict:
    """The published port leads to the portal, by the proxy."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=30) as answer:
        return {"ready": json.load(answer)["ready"]}


def isolation(stack: Stack) -> dict:
    """What is true inside: nobody is root, and no worker sees another's files."""
    found = {}
    for target in TARGETS:
        argv = ["docker", "exec", stack.container(target), "id", "-u"]
        found[target] = int(subprocess.run(argv, check=True, capture_output=True, text=True).stdout)
    if 0 in found.values():
        raise Failed(f"A container runs as root: {found}")
    return {"users": found}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--real-images", action="store_true", help="pull the images of docker-compose.yml")
    parser.add_argument("--keep", action="store_true", help="leave the stack running")
    parser.add_argument("--port", type=int, default=18080, help="where the portal is published on loopback")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="slipway-compose-") as name:
        secrets = Path(name) / "secrets.env"
        make_env = ROOT / "configs/containers/make_env.py"
        subprocess.run([sys.executable, str(make_env), str(secrets)], check=True)
        stack = Stack(secrets, options.real_images, options.port)
        try:
            figures = build(stack) | demo(stack, Path(name)) | proxied(options.port) | isolation(stack)
        except Failed as failure:
            stack.run("ps")
            stack.run("logs", "--tail", "60")
            raise SystemExit(str(failure)) from failure
        finally:
            if not options.keep:
                stack.run("down", "--volumes", "--timeout", "20")
    print(json.dumps(figures))
    return 0


if __name__ == "__main__":
    sys.exit(main())
