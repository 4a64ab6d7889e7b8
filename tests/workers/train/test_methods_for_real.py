"""Quantization-aware training and distillation, with the real PaddleX."""

from __future__ import annotations

import os
import subprocess

import pytest

from .conftest import make_spec, stage
from .real_jobs import LIMIT, PYTHON, ROOT, events_of, result_of, write_job

pytestmark = pytest.mark.toolchain

CLASS_NAMES = ["off", "on"]


def test_the_methods_compute_what_they_say():
    argv = [PYTHON, "tests/workers/train/check_methods.py"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(argv, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=LIMIT)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count(" holds\n") == 14


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    return stage(tmp_path_factory.mktemp("methods") / "dataset", CLASS_NAMES, train=12, val=3)


@pytest.fixture(scope="module")
def weights(dataset, tmp_path_factory):
    """What a plain training of two epochs left."""
    job = write_job(tmp_path_factory.mktemp("methods") / "plain", make_spec(dataset, CLASS_NAMES, epochs=2))
    assert result_of(job)["ok"]
    return job / "artifacts" / "best_model.pdparams"


def test_quantization_aware_training_goes_on_from_the_weights(dataset, weights, tmp_path):
    spec = make_spec(dataset, CLASS_NAMES, epochs=2, pretrained=str(weights), method={"name": "qat"})
    job = write_job(tmp_path / "qat", spec)
    result = result_of(job)
    assert result["ok"], result
    assert result["pretrained"]["name"] == "best_model.pdparams"
    assert [event["step"] for event in events_of(job) if event.get("name") == "val/top1"] == [1, 2]
    assert (job / "artifacts" / "model.slim.onnx").is_file()


def test_distillation_learns_from_a_teacher_and_images_without_labels(dataset, weights, tmp_path):
    spec = make_spec(
        dataset,
        CLASS_NAMES,
        epochs=2,
        method={"name": "distill", "teacher": {"architecture": "PPLCNet_x0_25"}},
    )
    spec["inputs"] |= {"teacher": str(weights), "unlabelled": str(dataset)}
    job = write_job(tmp_path / "distilled", spec)
    result = result_of(job)
    assert result["ok"], result
    assert result["evaluations"][0]["metrics"]["images"] == 6
    assert "DistillationLoss" in (job / "log.txt").read_text(errors="replace")


def test_a_pruned_model_is_exported_at_its_own_size(dataset, weights, tmp_path):
    method = {"name": "prune", "share": 0.6, "unit": "cycles", "importance": "taylor"}
    job = write_job(
        tmp_path / "pruned",
        make_spec(dataset, CLASS_NAMES, epochs=2, pretrained=str(weights), method=method),
    )
    result = result_of(job)
    assert result["ok"], result
    smaller = (job / "artifacts" / "model.slim.onnx").stat().st_size
    assert smaller < 0.7 * (weights.parent / "model.slim.onnx").stat().st_size


def test_a_network_that_cannot_be_made_so_small_is_refused(dataset, weights, tmp_path):
    method = {"name": "prune", "share": 0.01, "unit": "cycles", "importance": "l1"}
    spec = make_spec(dataset, CLASS_NAMES, epochs=2, pretrained=str(weights), method=method)
    result = result_of(write_job(tmp_path / "pruned", spec))
    assert not result["ok"] and result["kind"] == "input"
    assert "of its cost remains: choose a larger share" in result["message"]
