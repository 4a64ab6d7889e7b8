"""The folder of links in which PaddleX finds its training suite."""

from __future__ import annotations

import pytest

from workers.contract import ToolchainError
from workers.train import suite
from workers.train.suite import link_suite


@pytest.fixture
def checkout(tmp_path):
    root = tmp_path / "PaddleClas checkout"
    for file in ("ppcls/engine/engine.py", "deploy/x.py", "tools/train.py"):
        (root / file).parent.mkdir(parents=True, exist_ok=True)
        (root / file).touch()
    return root


def test_a_checkout_is_linked_and_stays_untouched(checkout, tmp_path):
    before = sorted(checkout.rglob("*"))
    parent = link_suite(tmp_path / "scratch", checkout)
    assert (parent / "PaddleClas" / ".installed").is_file()
    assert (parent / "PaddleClas" / "tools" / "train.py").samefile(checkout / "tools" / "train.py")
    assert sorted(checkout.rglob("*")) == before


def test_linking_twice_is_harmless(checkout, tmp_path):
    assert link_suite(tmp_path / "scratch", checkout) == link_suite(tmp_path / "scratch", checkout)


def test_the_suite_of_the_package_index_gets_our_launchers(checkout, tmp_path, monkeypatch):
    monkeypatch.setattr(suite, "INDEX_SUITE", checkout)
    parent = link_suite(tmp_path / "scratch", None)
    assert (parent / "PaddleClas" / "tools").resolve() == suite.LAUNCHERS


def test_a_missing_suite_says_make_setup(tmp_path, monkeypatch):
    monkeypatch.setattr(suite, "INDEX_SUITE", tmp_path / "nowhere")
    with pytest.raises(ToolchainError, match="make setup"):
        link_suite(tmp_path / "scratch", None)


def test_a_wrong_checkout_names_the_setting_and_what_is_missing(tmp_path):
    with pytest.raises(ToolchainError, match=r"PADDLECLAS_DIR is .*has no ppcls/engine/engine\.py"):
        link_suite(tmp_path / "scratch", tmp_path)
