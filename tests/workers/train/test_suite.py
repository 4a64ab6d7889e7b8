"""The folder of links in which PaddleX finds its training suite."""

from __future__ import annotations

from dataclasses import replace

import pytest

from workers.contract import ToolchainError
from workers.train import suite
from workers.train.plan import read_plan
from workers.train.suite import PADDLECLAS, PADDLEDET, Suite


def make_checkout(root, suite: Suite):
    """Files that stand for a whole checkout, launchers included."""
    for file in (suite.engine, *(f"{folder}/x.py" for folder in suite.folders), "tools/train.py"):
        (root / file).parent.mkdir(parents=True, exist_ok=True)
        (root / file).touch()
    return root


@pytest.fixture(params=[PADDLECLAS, PADDLEDET], ids=lambda suite: suite.name)
def suite_and_plan(request, tmp_path, spec):
    """A suite, and a plan that trains with a checkout of it."""
    checkout = make_checkout(tmp_path / "a checkout", request.param)
    spec["params"]["checkouts"] = {request.param.name: str(checkout)}
    return request.param, read_plan(spec)


def test_a_checkout_is_linked_and_stays_untouched(suite_and_plan, tmp_path):
    one, plan = suite_and_plan
    before = sorted(one.checkout(plan).rglob("*"))
    parent = one.link(tmp_path / "scratch", plan)
    assert (parent / one.name / ".installed").is_file()
    assert (parent / one.name / one.engine).samefile(one.checkout(plan) / one.engine)
    assert sorted(one.checkout(plan).rglob("*")) == before


def test_a_checkout_of_paddleclas_brings_its_launchers_and_one_of_paddledetection_gets_ours(
    suite_and_plan, tmp_path
):
    one, plan = suite_and_plan
    tools = (one.link(tmp_path / "scratch", plan) / one.name / "tools").resolve()
    theirs, ours = one.checkout(plan) / "tools", suite.LAUNCHERS / "paddledet"
    assert tools == {"PaddleClas": theirs, "PaddleDetection": ours}[one.name]


def test_linking_twice_is_harmless(suite_and_plan, tmp_path):
    one, plan = suite_and_plan
    assert one.link(tmp_path / "scratch", plan) == one.link(tmp_path / "scratch", plan)


def test_the_suite_of_the_package_index_gets_our_launchers(suite_and_plan, tmp_path):
    one, plan = suite_and_plan
    fetched = replace(one, index=one.checkout(plan))
    parent = fetched.link(tmp_path / "scratch")
    assert (parent / one.name / "tools").resolve() == suite.LAUNCHERS / one.distribution


def test_a_missing_suite_says_make_setup(suite_and_plan, tmp_path):
    with pytest.raises(ToolchainError, match="make setup"):
        replace(suite_and_plan[0], index=tmp_path / "nowhere").link(tmp_path / "scratch")


def test_a_wrong_checkout_names_the_setting_and_what_is_missing(suite_and_plan, tmp_path):
    one, plan = suite_and_plan
    (one.checkout(plan) / one.engine).unlink()
    with pytest.raises(ToolchainError, match=rf"{one.setting} is .*has no {one.engine}"):
        one.link(tmp_path / "scratch", plan)


def test_the_result_says_which_suite_trained(suite_and_plan, spec):
    one, plan = suite_and_plan
    assert one.described(plan) == {one.distribution: f"checkout {one.checkout(plan)}"}
    assert one.described(replace(plan, checkouts={})) == {one.distribution: one.version}


def test_versions_are_those_that_set_up_fetches():
    wanted = (suite.HERE / "suite.txt").read_text(encoding="utf-8")
    assert all(f"{one.distribution}=={one.version} " in wanted for one in (PADDLECLAS, PADDLEDET))
