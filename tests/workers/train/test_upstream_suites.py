"""What the launchers of detectors do for a checkout of upstream PaddleDetection."""

from __future__ import annotations

import importlib
import json
import sys

import pytest

from workers.train.suite import LAUNCHERS


@pytest.fixture
def adapt(monkeypatch):
    monkeypatch.syspath_prepend(str(LAUNCHERS / "paddledet"))
    before = set(sys.modules)
    yield importlib.import_module("adapt")
    for name in set(sys.modules) - before:
        del sys.modules[name]


def test_packages_for_lanes_can_be_imported_where_they_lack(adapt, monkeypatch):
    monkeypatch.setattr(adapt, "LANES", {"lanes_of_roads": ("lanes_of_roads.lines",)})
    adapt._leave_out_lanes()
    found = {}
    exec("import lanes_of_roads.lines as lines\nfrom lanes_of_roads.lines import Line", found)
    assert found["Line"] is None


def test_a_package_that_is_there_stays(adapt, monkeypatch):
    monkeypatch.setattr(adapt, "LANES", {"json": ("json.decoder",)})
    adapt._leave_out_lanes()
    assert sys.modules["json"] is json
