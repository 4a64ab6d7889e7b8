"""Trains a detector with the real PaddleX on a few plain images, some of them without boxes."""

from __future__ import annotations

import json
import math
import os
import subprocess

import pytest

from tests.bench.detector_costs import costs

from .boxed import NAMES, box_spec, stage_boxes
from .real_jobs import (
    LIMIT,
    PYTHON,
    ROOT,
    described_onnx,
    events_of,
    result_of,
    resumed_after_kill,
    write_job,
)

pytestmark = pytest.mark.toolchain
BARE = []
TRAIN = [[0], [1], [0, 1], BARE, BARE, BARE, BARE, BARE]


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    return stage_boxes(tmp_path_factory.mktemp("boxes") / "dataset", TRAIN, [[1], [0], BARE])


@pytest.fixture(scope="module")
def finished(dataset, tmp_path_factory):
    """A job that trained two epochs, most of its batches without any box."""
    spec = box_spec(dataset, epochs=2, batch_size=2, learning_rate=0.01)
    job = write_job(tmp_path_factory.mktemp("train") / "job", spec)
    return job, result_of(job)


def test_it_trains_exports_converts_and_measures_every_image(finished):
    job, result = finished
    assert result["ok"], result
    metrics = result["evaluations"][0]["metrics"]
    assert (metrics["images"], metrics["boxes"]) == (3, 2)
    assert [row["name"] for row in metrics["per_class"]] == NAMES
    assert 0 <= metrics["map"] <= metrics["ap50"] <= 1
    rows = json.loads((job / "artifacts" / "predictions.paddle.json").read_text(encoding="utf-8"))
    assert [len(row["truth"]) for row in rows] == [1, 1, 0]
    assert all(0 <= box["score"] <= 1 for row in rows for box in row["boxes"])


def test_batches_without_boxes_have_a_loss(finished):
    losses = [e for e in events_of(finished[0]) if e.get("name", "").startswith("train/loss")]
    assert {loss["name"] for loss in losses} == {
        "train/loss", "train/loss_vfl", "train/loss_bbox", "train/loss_dfl",
    }  # fmt: skip
    assert all(math.isfinite(loss["value"]) for loss in losses)


def test_events_tell_the_figures_of_every_epoch(finished):
    events = events_of(finished[0])
    for name in ("val/map", "val/ap50"):
        assert [event["step"] for event in events if event.get("name") == name] == [1, 2]
    assert {"train/lr", "train/ips", "train/eta"} <= {event.get("name") for event in events}


def test_the_slim_onnx_has_the_eight_outputs_that_a_board_reads(finished):
    inputs, outputs, operators = described_onnx(finished[0])
    assert inputs == {"x": [1, 3, 192, 192]}
    assert list(outputs.values()) == [[1, n, side, side] for side in (24, 12, 6, 3) for n in (2, 32)]
    assert not {"Sqrt", "NonMaxSuppression", "Softmax"} & set(operators)


def test_a_killed_training_goes_on_from_its_last_epoch_in_a_new_job(dataset, tmp_path):
    spec = box_spec(dataset, epochs=30, batch_size=2, learning_rate=0.01)
    resumed = resumed_after_kill(tmp_path, spec, lambda job: (job / "scratch" / "history.json").exists())
    assert [e["step"] for e in events_of(resumed) if e.get("name") == "val/map"] == list(range(1, 31))


def test_no_operator_of_a_detector_runs_on_the_cpu_of_the_smallest_chip(tmp_path):
    """``python -m tests.bench.detector_costs`` says the same of every recipe at every size."""
    found = costs(tmp_path, "rv1106", classes=3, recipes=["picodet_xs-192x192"])
    assert [cost["cpu_operators"] for cost in found.values()] == [[]]
    assert all(cost["cycles"] > 100_000 for cost in found.values())


def test_our_decoder_finds_the_boxes_that_paddlex_finds(dataset, tmp_path):
    job = write_job(tmp_path / "job", box_spec(dataset, batch_size=2))
    (job / "scratch").mkdir()
    argv = [PYTHON, "-m", "tests.workers.train.two_decoders", str(job)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(argv, cwd=ROOT, env=environment, stdout=subprocess.PIPE, check=True, timeout=LIMIT)
    for theirs, ours in json.loads(done.stdout.splitlines()[-1]):
        assert len(theirs) == len(ours) == 100 and theirs[0][1] > 0.3
        assert all(any(same(box, other) for other in ours) for box in theirs)


def same(box: list[float], other: list[float]) -> bool:
    """The same class, nearly the same score, and edges that differ by less than a fiftieth of a pixel."""
    (label, score, *edges), (found, sure, *places) = box, other
    near = all(abs(edge - place) < 0.02 for edge, place in zip(edges, places, strict=True))
    return label == found and abs(score - sure) < 0.01 and near


def test_a_pruned_detector_is_exported_at_its_own_size_and_trains_on_as_int8(finished, dataset, tmp_path):
    weights, whole = finished[0] / "artifacts" / "best_model.pdparams", size_of(finished[0])
    for name, method in (
        ("pruned", {"name": "prune", "share": 0.6, "unit": "cycles", "importance": "taylor"}),
        ("rounded", {"name": "qat"}),
    ):
        settings = {"epochs": 1, "batch_size": 2, "learning_rate": 0.01, "method": method}
        job = write_job(tmp_path / name, box_spec(dataset, pretrained=str(weights), **settings))
        result = result_of(job)
        assert result["ok"], result
        assert size_of(job) < 0.5 * whole
        weights = job / "artifacts" / "best_model.pdparams"


def size_of(job) -> int:
    return (job / "artifacts" / "model.slim.onnx").stat().st_size
