"""Builds the images and prints their sizes: ``python3 configs/containers/build_images.py [TARGET…]``.

Version and commit of the checkout become labels of the images. Arguments of the Dockerfile that stand in the
environment are passed on: BASE_IMAGE, DEBIAN_MIRROR, PACKAGE_INDEX, PADDLE_GPU_INDEX, PADDLECLAS_ARCHIVE,
PADDLEDET_ARCHIVE. Status 1 if an image is larger than it may be. Standard library only.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# Megabytes that an image for a processor may have; None for no limit. The virtual board is for trying only.
LIMITS = {
    "portal": 400,
    "worker-deploy": 400,
    "worker-convert": 1200,
    "worker-train": 3200,
    "virtual-board": None,
}
PASSED = (
    "BASE_IMAGE", "DEBIAN_MIRROR", "PACKAGE_INDEX",
    "PADDLE_GPU_INDEX", "PADDLECLAS_ARCHIVE", "PADDLEDET_ARCHIVE",
)  # fmt: skip


def version() -> str:
    return re.search(r'VERSION = "(.+)"', (ROOT / "portal/version.py").read_text(encoding="utf-8"))[1]


def revision() -> str:
    """The commit, with ``-changed`` behind it if the checkout differs; ``unknown`` outside a checkout."""
    argv = ["git", "-C", str(ROOT), "describe", "--always", "--abbrev=40", "--match=", "--dirty=-changed"]
    done = subprocess.run(argv, capture_output=True, text=True)
    return done.stdout.strip() or "unknown"


def arguments() -> list[str]:
    values = {name: os.environ[name] for name in PASSED if os.environ.get(name)}
    values |= {"VERSION": version(), "REVISION": revision()}
    return [part for name, value in values.items() for part in ("--build-arg", f"{name}={value}")]


def build(target: str) -> float:
    """Build one image; return the seconds that it took."""
    began = time.monotonic()
    network = ["--network", os.environ["BUILD_NETWORK"]] if os.environ.get("BUILD_NETWORK") else []
    argv = ["docker", "build", "--quiet", *network, "--target", target, "--tag", f"slipway-{target}"]
    subprocess.run([*argv, *arguments(), str(ROOT)], check=True, env=os.environ | {"DOCKER_BUILDKIT": "1"})
    return time.monotonic() - began


def megabytes(target: str) -> float:
    argv = ["docker", "image", "inspect", "--format", "{{.Size}}", f"slipway-{target}"]
    return int(subprocess.run(argv, check=True, capture_output=True, text=True).stdout) / 1e6


def main(targets: list[str]) -> int:
    status = 0
    for target in targets or LIMITS:
        seconds, size, limit = build(target), megabytes(target), LIMITS[target]
        verdict = "" if limit is None else f"of at most {limit} MB"
        if limit is not None and size > limit:
            status, verdict = 1, f"more than {limit} MB"
        print(f"slipway-{target}: {size:.0f} MB {verdict} ({seconds:.0f} s)", flush=True)
    return status


if __name__ == "__main__":
    unknown = [name for name in sys.argv[1:] if name not in LIMITS]
    sys.exit(f"No such image: {unknown[0]}." if unknown else main(sys.argv[1:]))
