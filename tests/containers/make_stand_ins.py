"""Makes the images that the container test needs on a machine that can pull none.

    python3 tests/containers/make_stand_ins.py

Needs root, docker and debootstrap. A small Debian is bootstrapped and imported; ``stand_ins/Dockerfile``
adds Python, PostgreSQL, Redis, SeaweedFS and Caddy to it. The machine's own certificates and package index
settings go into the images, so that a mirror or an inspecting proxy works inside them as it does outside.
Images: slipway-stand-in/{debian,python,postgres,redis,s3,proxy}.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
PREFIX = "slipway-stand-in"
DEBIAN = f"{PREFIX}/debian"
TARGETS = ("python", "postgres", "redis", "s3", "proxy")
CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
# Package managers find the machine's certificates by these.
CERTIFICATE_VARIABLES = ("SSL_CERT_FILE", "PIP_CERT", "REQUESTS_CA_BUNDLE")
# As in Debian's own images: package lists would double a layer.
NO_CACHE = 'Dir::Cache::pkgcache "";\nDir::Cache::srcpkgcache "";\nAPT::Keep-Downloaded-Packages "false";\n'
PASSED_VARIABLES = ("PIP_INDEX_URL", "UV_DEFAULT_INDEX", "PIP_DEFAULT_TIMEOUT")


def run(*argv: str, **options) -> None:
    subprocess.run(argv, check=True, **options)


def exists(image: str) -> bool:
    return subprocess.run(["docker", "image", "inspect", image], capture_output=True).returncode == 0


def image_settings() -> list[str]:
    found = {name: os.environ[name] for name in PASSED_VARIABLES if name in os.environ}
    if CERTIFICATES.is_file():
        found |= dict.fromkeys(CERTIFICATE_VARIABLES, str(CERTIFICATES))
    changes = [f"ENV {name}={value}" for name, value in found.items()] + ['CMD ["/bin/bash"]']
    return [part for change in changes for part in ("--change", change)]


def bootstrap(mirror: str | None) -> None:
    """Debian with certificates and time zones, imported as one layer."""
    with tempfile.TemporaryDirectory(prefix="slipway-debian-") as folder:
        root = Path(folder) / "root"
        packages = "ca-certificates,netbase,tzdata"
        mirrors = [mirror] if mirror else []
        run("debootstrap", "--variant=minbase", f"--include={packages}", "bookworm", str(root), *mirrors)
        for rubbish in ("var/cache/apt/archives", "var/lib/apt/lists", "usr/share/doc", "usr/share/man"):
            shutil.rmtree(root / rubbish, ignore_errors=True)
        (root / "var/cache/apt/archives/partial").mkdir(parents=True)
        (root / "etc/apt/apt.conf.d/no-cache").write_text(NO_CACHE, encoding="ascii")
        if CERTIFICATES.is_file():
            shutil.copyfile(CERTIFICATES, root / CERTIFICATES.relative_to("/"))
        tar = subprocess.Popen(["tar", "--numeric-owner", "-C", str(root), "-c", "."], stdout=subprocess.PIPE)
        run("docker", "import", *image_settings(), "-", DEBIAN, stdin=tar.stdout)
        if tar.wait():
            raise SystemExit("tar failed: the image is incomplete.")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--mirror", help="Debian mirror (debootstrap's own default)")
    parser.add_argument("--again", action="store_true", help="make images anew that exist already")
    options = parser.parse_args()
    started = time.monotonic()
    if options.again or not exists(DEBIAN):
        bootstrap(options.mirror)
    for target in TARGETS:
        # The host's network: a machine that resolves names on its own loopback has no other.
        run(
            "docker", "build", "--quiet", "--network", "host", "--target", target,
            "--tag", f"{PREFIX}/{target}", str(HERE / "stand_ins"), env=os.environ | {"DOCKER_BUILDKIT": "1"},
        )  # fmt: skip
    print(f"{len(TARGETS) + 1} stand-in images in {time.monotonic() - started:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
