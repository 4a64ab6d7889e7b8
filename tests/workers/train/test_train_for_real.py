"""Trains with the real PaddleX in its own environment, on a data set of a few plain images."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from portal.jobs.program import session

from .conftest import make_spec, stage
from .real_jobs import (
    LIMIT,
    described_onnx,
    events_of,
    result_of,
    resumed_after_kill,
    start,
    wait_for,
    write_job,
)

pytestmark = pytest.mark.toolchain

CLASS_NAMES = ["关", "on and on"]


@pytest.fixture(scope="module")
def real_dataset(tmp_path_factory):
    return stage(tmp_path_factory.mktemp("train") / "dataset", CLASS_NAMES, train=12, val=3)


@pytest.fixture(scope="module")
def finished(real_dataset, tmp_path_factory):
    """A job that trained two epochs on two classes and 24 images, with an augmentation of our own."""
    spec = make_spec(real_dataset, CLASS_NAMES, epochs=2, batch_size=64, augmentation="handwriting")
    job = write_job(tmp_path_factory.mktemp("train") / "job", spec)
    return job, result_of(job)


def test_it_trains_exports_converts_and_measures(finished):
    job, result = finished
    assert result["ok"], result
    metrics = result["evaluations"][0]["metrics"]
    assert metrics["images"] == 6
    assert [row["name"] for row in metrics["per_class"]] == CLASS_NAMES
    assert sum(map(sum, metrics["confusion"])) == 6
    assert result["best_epoch"] in (1, 2)
    assert result["precise_bn"] == {"images": 24}
    assert any("only 24 training images" in notice for notice in result["notices"])
    assert {file.name for file in (job / "artifacts").iterdir()} == {
        "best_model.pdparams", "inference.json", "inference.pdiparams", "model.onnx", "model.slim.onnx",
        "labels.txt", "predictions.paddle.json",
    }  # fmt: skip
    assert (job / "artifacts" / "labels.txt").read_text(encoding="utf-8").splitlines() == CLASS_NAMES


def test_the_slim_onnx_has_a_fixed_input_and_ends_in_logits(finished):
    job, result = finished
    inputs, outputs, operators = described_onnx(job)
    assert inputs == {"x": [1, 3, 64, 64]}
    assert outputs == {result["cut_tensor"]: [1, 2]}
    assert "Softmax" not in operators


def test_events_tell_every_epoch_its_curves_and_the_end(finished):
    job, _ = finished
    events = events_of(job)
    phases = [event["name"] for event in events if event["type"] == "phase"]
    assert phases == ["start PaddleX", "epoch 1/2", "epoch 2/2", "export", "make ONNX", "evaluate", "done"]
    curves = {event["name"] for event in events if event["type"] == "metric"}
    assert {
        "train/loss",
        "train/top1",
        "train/lr",
        "train/ips",
        "train/eta",
        "val/top1",
        "val/loss",
    } <= curves
    assert [e["step"] for e in events if e.get("name") == "val/top1"] == [1, 2]
    last = [event for event in events if event["type"] == "progress"][-1]
    assert last["done"] == last["total"]


def test_nothing_is_written_outside_the_job(finished):
    job, _ = finished
    assert {path.name for path in job.iterdir()} == {
        "spec.json", "log.txt", "events.jsonl", "result.json", "artifacts", "scratch",
        "code",
    }  # fmt: skip
    assert list((job / "scratch" / "home").rglob(".visualdl"))


def test_a_killed_training_goes_on_from_its_last_epoch_in_a_new_job(real_dataset, tmp_path):
    spec = make_spec(real_dataset, CLASS_NAMES, epochs=40, batch_size=8)
    resumed = resumed_after_kill(
        tmp_path, spec, lambda job: len(list((job / "scratch" / "output").rglob("epoch_*.pdstates"))) > 1
    )
    trained = [
        e["name"] for e in events_of(resumed) if e["type"] == "phase" and e["name"].startswith("epoch")
    ]
    assert trained[0] != "epoch 1/40" and trained[-1] == "epoch 40/40"
    assert [e["step"] for e in events_of(resumed) if e.get("name") == "val/top1"] == list(range(1, 41))


def test_nothing_of_a_training_outlives_a_warden_that_was_killed(real_dataset, tmp_path):
    job = write_job(tmp_path / "job", make_spec(real_dataset, CLASS_NAMES, epochs=40, batch_size=8))
    process = start(job)
    wait_for(lambda: list((job / "scratch" / "output").rglob("epoch_*.pdstates")))
    family = session(process.pid)
    assert len(family) >= 4  # the warden, the program, PaddleX, the suite
    process.kill()
    wait_for(lambda: not session(process.pid))


def test_it_trains_from_pretrained_weights_and_opens_no_others(finished, real_dataset, tmp_path):
    weights = finished[0] / "artifacts" / "best_model.pdparams"
    spec = make_spec(real_dataset, CLASS_NAMES, epochs=1, batch_size=64, pretrained=str(weights))
    job = write_job(tmp_path / "pretrained", spec)
    result = result_of(job)
    assert result["ok"], result
    assert (job / "scratch" / "pretrained" / weights.name).is_file()
    digest = hashlib.sha256(weights.read_bytes()).hexdigest()
    assert result["pretrained"] == {"name": weights.name, "sha256": digest}
    hostile = tmp_path / "hostile.pdparams"
    hostile.write_bytes(b"\x80\x02cposix\nsystem\nX\x0c\0\0\0touch hacked\x85R.")
    spec["inputs"]["pretrained"] = str(hostile)
    refused = result_of(write_job(tmp_path / "refused", spec))
    assert (refused["ok"], refused["kind"]) == (False, "input")
    assert "were not opened, because they hold posix.system" in refused["message"]


def test_a_hostile_checkpoint_is_not_gone_on_from(real_dataset, tmp_path):
    spec = make_spec(real_dataset, CLASS_NAMES, epochs=1, batch_size=64)
    plan_identity = {
        "task": "classification",
        "recipe": spec["params"]["recipe"]["name"], "classes": CLASS_NAMES, "input_size": [64, 64],
        "augmentation": "symbols", "epochs": 1, "batch_size": 6, "learning_rate": 0.1 * 6 / 64, "seed": 0,
        "method": None,
    }  # fmt: skip
    scratch = tmp_path / "earlier" / "scratch"
    (scratch / "output").mkdir(parents=True)
    (scratch / "history.json").write_text(json.dumps({"identity": plan_identity, "scores": {"1": 0.5}}))
    for suffix in (".pdparams", ".pdopt", ".pdstates"):
        (scratch / "output" / f"epoch_1{suffix}").write_bytes(
            b"\x80\x02cposix\nsystem\nX\x0c\0\0\0touch hacked\x85R."
        )
    spec["inputs"]["resume"] = str(tmp_path / "earlier")
    result = result_of(write_job(tmp_path / "job", spec))
    assert result["ok"], result
    assert any("was not opened, because it holds posix.system" in notice for notice in result["notices"])


def test_sigterm_ends_the_whole_tree(real_dataset, tmp_path):
    job = write_job(tmp_path / "cancelled", make_spec(real_dataset, CLASS_NAMES, epochs=500, batch_size=8))
    process = start(job)
    wait_for(lambda: (job / "scratch" / "history.json").exists())
    process.terminate()
    process.wait(timeout=LIMIT)
    wait_for(lambda: not group_members(process.pid))
    assert not (job / "result.json").exists()


def group_members(group: int) -> list[int]:
    """Return the living processes of a process group, from /proc."""
    members = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _, number = stat.read_text().rpartition(")")[2].split()[:3]
        except OSError:
            continue
        if int(number) == group and state != "Z":
            members.append(int(stat.parent.name))
    return members
