"""Our operators compute what Paddle's do, and training goes on without them where they cannot be built."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from workers.train import kernel_cache

from .conftest import make_spec, stage
from .real_jobs import LIMIT, PYTHON, ROOT, result_of, write_job

pytestmark = pytest.mark.toolchain
NAMES = ["off", "on"]


def run(program: list[str], kernels: Path, root: Path = ROOT) -> subprocess.CompletedProcess:
    environment = {**os.environ, **kernel_cache.variables(kernels), "PYTHONPATH": str(root)}
    argv = [PYTHON, *program]
    return subprocess.run(argv, env=environment, capture_output=True, text=True, timeout=LIMIT, check=True)


@pytest.fixture(scope="module")
def kernels():
    """The folder with compiled kernels, as set-up makes it."""
    subprocess.run([PYTHON, "-m", "workers.train.kernel_cache"], cwd=ROOT, timeout=LIMIT, check=True)
    return kernel_cache.CACHE / kernel_cache.digest()


def test_outputs_and_gradients_are_paddles_own(kernels):
    lines = run(["tests/workers/train/compare_kernels.py"], kernels).stdout.splitlines()
    cases = [json.loads(line) for line in lines if line.startswith("{")]
    assert len(cases) > 400
    assert [case for case in cases if case["ours"] != case["wanted"]] == []
    assert [case for case in cases if not max(case["differences"]) < 5e-6] == []


def test_another_checkout_loads_compiled_kernels_and_does_not_compile_them_again(kernels, tmp_path):
    copied = shutil.ignore_patterns(".venv", ".suite", ".kernels", "__pycache__")
    shutil.copytree(ROOT / "workers", tmp_path / "workers", ignore=copied)
    before = {path: path.stat().st_mtime_ns for path in kernels.rglob("*")}
    run(["-c", kernel_cache.COMPILE], kernels, root=tmp_path)
    assert {path: path.stat().st_mtime_ns for path in kernels.rglob("*")} == before
    assert len([path for path in before if path.suffix == ".nbi"]) == 8


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    return stage(tmp_path_factory.mktemp("kernels") / "dataset", NAMES, train=12, val=3)


def test_a_job_trains_with_a_copy_of_the_compiled_kernels(kernels, dataset, tmp_path):
    job = write_job(tmp_path / "job", make_spec(dataset, NAMES, epochs=1))
    result = result_of(job)
    assert result["ok"] and not any("slower" in str(notice) for notice in result["notices"])
    made = {
        path.relative_to(job / "scratch" / "kernels") for path in (job / "scratch" / "kernels").rglob("*")
    }
    assert made == {path.relative_to(kernels) for path in kernels.rglob("*")}


def test_a_training_without_kernels_says_so(dataset, tmp_path, monkeypatch):
    # Numba refuses this at once.
    monkeypatch.setenv("NUMBA_NUM_THREADS", "0")
    result = result_of(write_job(tmp_path / "job", make_spec(dataset, NAMES, epochs=1)))
    assert result["ok"], result
    assert any(str(notice).startswith("Trained slower than usual") for notice in result["notices"])
