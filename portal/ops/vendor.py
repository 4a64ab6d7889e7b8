"""Copies the browser libraries pinned in ``package.json`` into the folder ``TARGET``, with their licences.

``npm ci --ignore-scripts && python -m portal.ops.vendor``. What it copies is committed: neither an
installation nor the tests need npm. Not in charge of versions: ``package.json`` is.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
TARGET = ROOT / "portal" / "core" / "static" / "vendor"
FILES = {
    "bootstrap": ["dist/css/bootstrap.min.css", "LICENSE"],
    "bootstrap-icons": [
        "font/bootstrap-icons.min.css",
        "font/fonts/bootstrap-icons.woff2",
        "LICENSE",
    ],
    # The whole build: the smaller ones have no heat map.
    "echarts": ["dist/echarts.min.js", "LICENSE", "NOTICE", "licenses/LICENSE-d3"],
    # Inside the ECharts build.
    "zrender": ["LICENSE"],
    "tslib": ["LICENSE.txt"],
    "htmx.org": ["dist/htmx.min.js", "LICENSE"],
    # The documentation of the REST API; its licence file names what is inside the build.
    "swagger-ui-dist": [
        "swagger-ui-bundle.js",
        "swagger-ui-bundle.js.LICENSE.txt",
        "swagger-ui.css",
        "LICENSE",
        "NOTICE",
    ],
    "tus-js-client": ["dist/tus.min.js", "LICENSE"],
    # Inside the build of tus-js-client.
    "js-base64": ["LICENSE.md"],
    "url-parse": ["LICENSE"],
    "querystringify": ["LICENSE"],
    "requires-port": ["LICENSE"],
}


def copy(modules: Path, target: Path = TARGET) -> dict[str, str]:
    """Replace ``target`` by fresh copies from ``node_modules``; return the versions by package."""
    shutil.rmtree(target, ignore_errors=True)
    versions = {}
    for package, names in FILES.items():
        for name in names:
            place = target / package / name.removeprefix("dist/").removeprefix("font/")
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(modules / package / name, place)
        manifest = json.loads((modules / package / "package.json").read_text(encoding="utf-8"))
        versions[package] = manifest["version"]
    text = json.dumps(versions, indent=1, sort_keys=True) + "\n"
    (target / "versions.json").write_text(text, encoding="utf-8")
    return versions


if __name__ == "__main__":
    for package, version in copy(ROOT / "node_modules").items():
        print(package, version)
