"""Trains networks that PaddleX does not list, or that its training suite from the package index lacks."""

from __future__ import annotations

import pytest

from workers.train.yaml_files import CONFIGS, load_yaml

from .conftest import make_spec, stage
from .real_jobs import described_onnx, result_of, write_job

pytestmark = pytest.mark.toolchain

CLASS_NAMES = ["off", "on"]


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    return stage(tmp_path_factory.mktemp("networks") / "dataset", CLASS_NAMES, train=12, val=3)


def trained(name: str, dataset, folder):
    recipe = load_yaml(CONFIGS / "models" / f"{name}.yaml")
    job = write_job(folder / "job", make_spec(dataset, CLASS_NAMES, recipe=recipe, epochs=1, batch_size=16))
    result = result_of(job)
    assert result["ok"], result
    return described_onnx(job)


def test_a_network_that_paddlex_does_not_list_is_trained_exported_and_measured(dataset, tmp_path):
    inputs, outputs, _operators = trained("shufflenet_v2_x0_5", dataset, tmp_path)
    assert (inputs, list(outputs.values())) == ({"x": [1, 3, 64, 64]}, [[1, 2]])


def test_a_network_that_the_suite_lacks_is_trained_and_its_branches_are_merged(dataset, tmp_path):
    _inputs, outputs, operators = trained("pp_lcnet_v2_small", dataset, tmp_path)
    assert list(outputs.values()) == [[1, 2]]
    # Parallel depthwise convolutions would be added up; the shortcuts are all that is left to add.
    assert operators.count("Add") <= 4, operators
