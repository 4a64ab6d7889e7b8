"""The browser libraries that are committed are the pinned ones, whole and with their licences."""

import json

import pytest

from portal.ops import vendor

VERSIONS = json.loads((vendor.TARGET / "versions.json").read_text())


def test_the_committed_versions_are_the_pinned_ones():
    pinned = json.loads((vendor.ROOT / "package.json").read_text())["dependencies"]
    assert {name: VERSIONS[name] for name in pinned} == pinned


@pytest.mark.parametrize("package", sorted(vendor.FILES))
def test_every_library_has_its_files_and_its_licence(package):
    folder = vendor.TARGET / package
    names = {path.name for path in folder.rglob("*") if path.is_file()}
    assert any(name.startswith("LICENSE") for name in names)
    assert {name.rsplit("/", 1)[-1] for name in vendor.FILES[package]} == names


def test_copying_replaces_what_was_there(tmp_path):
    modules, target = tmp_path / "node_modules", tmp_path / "vendor"
    for package, names in vendor.FILES.items():
        for name in [*names, "package.json"]:
            path = modules / package / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text('{"version": "1.2.3"}')
    (target / "old").mkdir(parents=True)
    assert set(vendor.copy(modules, target).values()) == {"1.2.3"}
    assert not (target / "old").exists()
    assert (target / "htmx.org" / "htmx.min.js").is_file()
