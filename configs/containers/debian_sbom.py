"""Prints the Debian packages of an image as a CycloneDX 1.5 document, in the build. Standard library only."""

from __future__ import annotations

import json
import subprocess
from urllib.parse import quote

FORMAT = "${Package}\t${Version}\t${Architecture}\n"


def packages() -> list[list[str]]:
    """Name, version and architecture of each installed package."""
    argv = ["dpkg-query", "--show", f"--showformat={FORMAT}"]
    found = subprocess.run(argv, check=True, capture_output=True, text=True).stdout
    return [line.split("\t") for line in found.splitlines()]


def component(name: str, version: str, architecture: str) -> dict[str, str]:
    purl = f"pkg:deb/debian/{quote(name)}@{quote(version)}?arch={architecture}"
    return {"type": "library", "bom-ref": purl, "name": name, "version": version, "purl": purl}


def document(found: list[list[str]]) -> dict:
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "components": [component(*package) for package in found],
    }


if __name__ == "__main__":
    print(json.dumps(document(packages()), indent=1))
