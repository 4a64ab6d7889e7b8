"""Models from elsewhere, and timings on boards, by the command line and the library."""

import contextlib
import json

import pytest
from slipway import Client, Refused, waiting

from portal.datasets import upload_limits
from portal.datasets.services import create_version
from portal.deployment import profiling
from portal.devices.models import Device
from portal.runs.models import Run
from tests.factories import class_zip

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def own(tmp_path):
    """Call it for a file that says of itself what it is."""

    def make(name="own.onnx", **facts):
        path = tmp_path / name
        path.write_text(json.dumps({"classes": 2, **facts}))
        return path

    return make


def test_a_model_is_imported_listed_and_compiled(portal, slipway, own, team, alice, tmp_path):
    version = create_version(team, alice, "Pets", class_zip(("cat", "dog"), 5))
    waiting.until_final(Client(), f"jobs/{version.job_id}/", timeout=120)
    answer = slipway("model", "import", own(), "--name", "Mine")
    assert answer.code == 0, answer.err
    number = answer.out.partition(":")[0]
    assert (
        f"{number}: classification, 2 classes, 32x32" in answer.out and "(Softmax) is cut off" in answer.out
    )
    assert "rv1106" in answer.out
    assert slipway("model", "files", "--json").json[0]["name"] == "Mine"
    assert slipway("model", "inspect", number, "--json").json["inspection"]["classes"] == 2
    labels = tmp_path / "labels.txt"
    labels.write_text("cat\n")
    compile_ = ("model", "compile", number, "--dataset", "Pets", "--chip", "rv1106")
    wrong = slipway(*compile_, "--labels", labels)
    assert wrong.code == 6 and "1 label was given" in wrong.err
    labels.write_text("dog\ncat\n")
    assert slipway(*compile_, "--labels", labels, "--mean", 1, 1, 1).code == 2
    other = slipway(*compile_, "--labels", labels, "--output", "age")
    assert other.code == 6 and "leave the output out" in other.err
    answer = slipway(*compile_, "--labels", labels, "--scale", "unit", "--watch")
    assert answer.code == 0, answer.err
    run = Run.objects.get()
    assert run.params["std"] == [1, 1, 1] and run.status == "succeeded"


def test_a_model_that_cannot_be_used_is_refused_with_its_sentence(portal, slipway, own, tmp_path):
    told = slipway("model", "import", own("yolo.onnx", refusal="Its outputs are of another kind."))
    assert told.code == 6 and "another kind" in told.err
    (tmp_path / "cut.onnx").write_bytes(b"\x08no model")
    told = slipway("model", "import", tmp_path / "cut.onnx")
    assert told.code == 6 and "The ONNX file is damaged" in told.err
    with pytest.raises(Refused, match="damaged"):
        Client().import_model(tmp_path / "cut.onnx")
    found = Client().import_model(own("x.onnx", task="detection", detector="yolox"))
    assert found["inspection"]["detector"] == "yolox"
    told = slipway("model", "inspect", found["id"]).out
    assert "detection (yolox), 2 classes" in told
    assert "does not decode it, so it is not deployed there: lockzhiner-vision-module" in told
    choices = [{"output": "sort", "classes": 2}, {"output": "age", "classes": 7}]
    found = Client().import_model(own("y.onnx", choices=choices))
    assert "--output: sort (2 classes), age (7 classes)" in slipway("model", "inspect", found["id"]).out


def test_a_model_larger_than_any_is_not_even_sent(tmp_path, monkeypatch):
    with (tmp_path / "big.onnx").open("wb") as file:
        file.truncate(upload_limits.MOST_MODEL_BYTES + 1)
    monkeypatch.setenv("SLIPWAY_URL", "http://127.0.0.1:9")  # nothing listens there
    monkeypatch.setenv("SLIPWAY_TOKEN", "none")
    with pytest.raises(Refused, match="upload a smaller model"):
        Client().import_model(tmp_path / "big.onnx")


@pytest.fixture
def board(monkeypatch, team, alice):
    """A device on which something runs, and the board's answer to the timing."""
    found = {
        "type": "profile", "engine": "fake 1", "load_ms": 40.0, "first_ms": 9.0, "whole_ms": [5.0, 6.0, 7.0],
        "predict_ms": [4.0, 4.0, 4.5], "memory_before": None, "memory_loaded": None, "celsius_before": None,
        "celsius_after": None, "library_resizes": True,
    }  # fmt: skip
    monkeypatch.setattr(profiling, "connect", lambda *_: contextlib.nullcontext())
    monkeypatch.setattr(profiling.running, "read_current", lambda *_: "r1")
    monkeypatch.setattr(profiling.running, "record", lambda *_: None)
    monkeypatch.setattr(profiling, "run_sent", lambda *_, **__: found)
    return Device.objects.create(team=team, created_by=alice, name="Bench", profile="virtual", host_key="k")


def test_a_release_is_timed_and_the_timings_are_kept(portal, slipway, board):
    answer = slipway("device", "profile", "Bench")
    assert answer.code == 0, answer.err
    assert "r1" in answer.out and "40.00 ms" in answer.out and "6.00 ms" in answer.out
    made = Client().profile("Bench")
    assert made["figures"]["predict"]["calls"] == 3 and made["job"]["status"] == "succeeded"
    assert [one["id"] for one in Client().profiles("Bench")] == [made["id"], made["id"] - 1]
    kept = slipway("device", "profile", "Bench", "--history", "--json").json
    assert len(kept) == 2 and kept[0]["figures"]["whole"]["median"] == 6.0
