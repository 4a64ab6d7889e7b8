"""Copies the browser libraries pinned in ``package.json`` into the folder ``TARGET``, with their licences.

``npm ci --ignore-scripts && python -m portal.ops.vendor``. The result is committed: neither an installation
nor the tests need npm. Only the icons in ``ICONS`` are taken, with a generated style sheet that draws them as
masks: the whole font is forty times as large. ``package.json`` decides the versions.
"""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from urllib.parse import quote

ROOT = Path(__file__).resolve().parent.parent.parent
TARGET = ROOT / "portal" / "core" / "static" / "vendor"
TEST_TARGET = ROOT / "tests" / "e2e" / "vendor"
FILES = {
    "bootstrap": ["dist/css/bootstrap.min.css", "LICENSE"],
    "bootstrap-icons": ["LICENSE"],
    "htmx.org": ["dist/htmx.min.js", "LICENSE"],
    # The documentation of the REST API; its licence file lists what the build bundles.
    "swagger-ui-dist": [
        "swagger-ui-bundle.js",
        "swagger-ui-bundle.js.LICENSE.txt",
        "swagger-ui.css",
        "LICENSE",
        "NOTICE",
    ],
    # Draws and moves boxes on a canvas, with touch and zoom: MIT, well maintained, and without inline styles,
    # which the content security policy forbids (Annotorious sets some). Only the page that annotates an image
    # loads it.
    "konva": ["konva.min.js", "LICENSE"],
    "tus-js-client": ["dist/tus.min.js", "LICENSE"],
    # Bundled in the build of tus-js-client.
    "js-base64": ["LICENSE.md"],
    "url-parse": ["LICENSE"],
    "querystringify": ["LICENSE"],
    "requires-port": ["LICENSE"],
}
# For the browser tests only.
TEST_FILES = {"axe-core": ["axe.min.js", "LICENSE"]}
ICONS_CSS = "bootstrap-icons/icons.css"
ICONS = """
    1-circle 2-circle 3-circle 4-circle arrow-clockwise arrow-repeat arrow-right bell bell-fill box
    broadcast chat-left-text check-circle check-circle-fill check-lg check2-circle chevron-bar-down
    chevron-bar-up chevron-down chevron-left chevron-right chevron-up circle circle-half
    clock-history cloud-arrow-up code-slash compass copy cpu dash-circle diagram-3 download
    exclamation-circle exclamation-triangle exclamation-triangle-fill eye-fill folder grid-3x3-gap
    hourglass-bottom hourglass-split house images info-circle key keyboard layout-three-columns
    list-task lock magic mortarboard motherboard pc-display pencil people person-circle play-circle
    play-fill plus-lg question-circle question-circle-fill scissors search shield-exclamation
    slash-circle stop-fill tag tags trash upload wifi-off x-octagon x-octagon-fill
""".split()
ICONS_HEAD = """\
.bi {
  display: inline-block; width: 1em; height: 1em; vertical-align: -.125em; background: currentcolor;
  -webkit-mask: var(--icon) center / contain no-repeat; mask: var(--icon) center / contain no-repeat;
}
@media (forced-colors: active) { .bi { background: CanvasText; } }
"""
_SOURCE_MAP = re.compile(rb"\n?(?://[#@]|/\*#) ?sourceMappingURL=[^\s*]+(?: ?\*/)?")


def copy(modules: Path, target: Path = TARGET, test_target: Path = TEST_TARGET) -> dict[str, str]:
    """Replace both targets with fresh copies from ``node_modules``; return the versions by package."""
    versions = _copy_files(modules, target, FILES)
    (target / ICONS_CSS).write_text(icons_css(modules / "bootstrap-icons" / "icons"), encoding="utf-8")
    versions |= _copy_files(modules, test_target, TEST_FILES)
    text = json.dumps(versions, indent=1, sort_keys=True) + "\n"
    (target / "versions.json").write_text(text, encoding="utf-8")
    return versions


def _copy_files(modules: Path, target: Path, files: dict[str, list[str]]) -> dict[str, str]:
    shutil.rmtree(target, ignore_errors=True)
    versions = {}
    for package, names in files.items():
        for name in names:
            place = target / package / name.removeprefix("dist/")
            place.parent.mkdir(parents=True, exist_ok=True)
            # Source maps are not copied, so nothing may refer to them.
            place.write_bytes(_SOURCE_MAP.sub(b"", (modules / package / name).read_bytes()))
        manifest = json.loads((modules / package / "package.json").read_text(encoding="utf-8"))
        versions[package] = manifest["version"]
    return versions


def icons_css(folder: Path) -> str:
    """A style sheet that draws ``<i class="bi bi-NAME">`` for each of ``ICONS`` in the text colour."""
    rules = []
    for name in sorted(ICONS):
        lines = (folder / f"{name}.svg").read_text(encoding="utf-8").splitlines()
        drawing = "".join(line.strip() for line in lines)
        drawing = re.sub(r' (?:width|height|fill|class)="[^"]*"', "", drawing, count=4).replace('"', "'")
        address = "data:image/svg+xml," + quote(drawing, safe=" /:=',.-()")
        rules.append(f'.bi-{name} {{ --icon: url("{address}"); }}\n')
    return ICONS_HEAD + "".join(rules)


if __name__ == "__main__":
    for package, version in copy(ROOT / "node_modules").items():
        print(package, version)
