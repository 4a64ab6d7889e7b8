"""The browser libraries that are committed are the pinned ones, whole and with their licences."""

import json
import re

import pytest

from portal.ops import vendor

VERSIONS = json.loads((vendor.TARGET / "versions.json").read_text())


def test_the_committed_versions_are_the_pinned_ones():
    package = json.loads((vendor.ROOT / "package.json").read_text())
    pinned = package["dependencies"] | package["devDependencies"]
    assert {name: VERSIONS[name] for name in pinned} == pinned


@pytest.mark.parametrize("package", sorted(vendor.FILES | vendor.TEST_FILES))
def test_every_library_has_its_files_and_its_licence(package):
    pinned = (vendor.FILES | vendor.TEST_FILES)[package]
    folder = (vendor.TARGET if package in vendor.FILES else vendor.TEST_TARGET) / package
    names = {path.name for path in folder.rglob("*") if path.is_file()} - {"icons.css"}
    assert any(name.startswith("LICENSE") for name in names)
    assert {name.rsplit("/", 1)[-1] for name in pinned} == names


def ways(text: str) -> list[str]:
    """What a template makes of a text, whichever branches it takes."""
    found = re.search(r"\{% if [^%]*%\}((?:(?!\{% if ).)*?)\{% endif %\}", text)
    if found is None:
        return [text]
    branches = re.split(r"\{% (?:elif [^%]*|else) %\}", found[1])
    if "{% else %}" not in found[1]:
        branches.append("")
    return [way for branch in branches for way in ways(text[: found.start()] + branch + text[found.end() :])]


def test_every_icon_that_a_template_or_script_names_is_drawn():
    named = set()
    for path in (vendor.ROOT / "portal").rglob("*"):
        if path.suffix in (".html", ".js") and "vendor" not in path.parts:
            written = re.findall(r"\bbi-(?:\{%.*?%\}|[^\"'\s{}<>`$])+", path.read_text(encoding="utf-8"))
            spelled = {way for text in written for way in ways(text)}
            named |= {way[3:] for way in spelled if re.fullmatch(r"bi-[a-z0-9-]*[a-z0-9]", way)}
    assert {"bell", "bell-fill", "eye-fill"} <= named  # of two branches, and of an ending
    assert named <= set(vendor.ICONS), "add them to ICONS of portal/ops/vendor.py and run it"
    drawn = set(re.findall(r"^\.bi-(\S+)", (vendor.TARGET / vendor.ICONS_CSS).read_text(), re.MULTILINE))
    assert drawn == set(vendor.ICONS)


def test_no_library_asks_for_the_map_of_its_sources():
    files = (path for path in vendor.TARGET.rglob("*") if path.suffix in (".js", ".css"))
    assert [path.name for path in files if b"sourceMappingURL=" in path.read_bytes()] == []


def test_copying_replaces_what_was_there(tmp_path):
    modules, target, test_target = tmp_path / "node_modules", tmp_path / "vendor", tmp_path / "tests"
    icons = [f"icons/{name}.svg" for name in vendor.ICONS]
    for package, names in (vendor.FILES | vendor.TEST_FILES).items():
        for name in [*names, "package.json", *(icons if package == "bootstrap-icons" else [])]:
            path = modules / package / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text('{"version": "1.2.3"}')
    (target / "old").mkdir(parents=True)
    assert set(vendor.copy(modules, target, test_target).values()) == {"1.2.3"}
    assert not (target / "old").exists()
    assert (target / "htmx.org" / "htmx.min.js").is_file()
    assert (test_target / "axe-core" / "axe.min.js").is_file()
