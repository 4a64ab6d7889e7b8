"""The real program in its own environment, on a model whose answers depend on the channel order."""

import json
import os
import subprocess

import pytest

from workers.contract.messages import Decoder

from .conftest import CLASS_NAMES, ROOT, SIDE, convert_python, read_chip, run_python

pytestmark = pytest.mark.toolchain

ARTIFACTS = {
    "model.rknn", "build.onnx", "calibration.zip", "labels.txt", "provenance.json", "predictions.onnx.json",
    "predictions.simulator.json",
    "operators.json",
}  # fmt: skip


@pytest.mark.parametrize("channel_order", ["bgr", "rgb"])
def test_a_model_answers_the_same_after_the_conversion(make_job, convert, colour_model, channel_order):
    job = make_job(colour_model, channel_order=channel_order)
    process, result = convert(job)
    assert process.returncode == 0, (job / "log.txt").read_text(errors="replace")[-3000:]
    assert result["ok"] and result["quantized"]
    assert {path.name for path in (job / "artifacts").iterdir()} == ARTIFACTS
    stages = {one["stage"]: one["metrics"] for one in result["evaluations"]}
    assert {stage: (one["images"], one["top1"]) for stage, one in stages.items()} == {
        "onnx": (9, 1), "simulator": (9, 1),
    }  # fmt: skip
    assert [row["name"] for row in stages["simulator"]["per_class"]] == CLASS_NAMES
    assert result["cost"]["cpu_ops"] == [] and result["cost"]["cycles"] > 0
    assert result["rknn_bytes"] == (job / "artifacts" / "model.rknn").stat().st_size
    assert set(result["tool_seconds"]) == {"rknn-toolkit2", "onnxruntime"}


def test_the_rebuilt_simulator_gives_the_very_answers_of_the_conversion(make_job, convert, colour_model):
    job = make_job(colour_model)
    convert(job)
    code = """
import json, sys
from pathlib import Path
from workers.convert.images import load_image
from workers.convert.simulator import OrtEngine, Simulator
from workers.convert.tasks.classification import softmax
job = Path(sys.argv[1]); data = Path(json.loads((job / "spec.json").read_text())["inputs"]["dataset"])
with Simulator.from_release(job / "artifacts") as one, Simulator.from_release(job / "artifacts") as two:
    ort = OrtEngine.from_release(job / "artifacts")
    read = lambda stage: json.loads((job / "artifacts" / f"predictions.{stage}.json").read_text())
    rows, floats = read("simulator"), read("onnx")
    for row, in_float in zip(rows, floats, strict=True):
        image = load_image(data / row["image"], one.settings.input_size, one.settings.channel_order)
        logits = one.outputs(image)[0].reshape(-1)
        assert (logits == two.outputs(image)[0].reshape(-1)).all()
        assert int(logits.argmax()) == row["predicted"]
        assert round(float(softmax(logits)[row["predicted"]]), 6) == row["score"]
        assert int(ort.outputs(image)[0].argmax()) == in_float["predicted"]
print("SAME", one.engine, ort.engine)
"""
    done = run_python("-c", code, job)
    assert "SAME rknn-toolkit2" in done.stdout, done.stdout[-2000:] + done.stderr
    _same_as_a_baseline(job, convert)


def _same_as_a_baseline(job, convert):
    """The kind ``baseline`` predicts the images that it is asked for, and no others."""
    rows = json.loads((job / "artifacts" / "predictions.simulator.json").read_text())
    spec = json.loads((job / "spec.json").read_text())
    made = {"onnx": "build.onnx", "calibration": "calibration.zip"}
    folder = job.parent / "baseline"
    folder.mkdir()
    inputs = {name: str(job / "artifacts" / file) for name, file in made.items()}
    asked = {
        "schema": 1, "kind": "baseline", "inputs": {**inputs, "dataset": spec["inputs"]["dataset"]},
        "params": {"class_names": CLASS_NAMES, "images": [row["image"] for row in rows[:2]]},
    }  # fmt: skip
    (folder / "spec.json").write_text(json.dumps(asked))
    result = convert(folder)[1]
    assert result["ok"], result
    assert json.loads((folder / "artifacts" / "predictions.simulator.json").read_text()) == rows[:2]


def test_a_float_model_is_built_where_the_chip_can(make_job, convert, colour_model):
    job = make_job(colour_model, chip="rk3588", channel_order="rgb", quantization={"dtype": "fp16"})
    _, result = convert(job)
    assert result["ok"] and not result["quantized"]
    assert result["evaluations"][1]["metrics"]["top1"] == 1


@pytest.mark.parametrize("algorithm", ["mmse", "kl_divergence"])
def test_the_other_quantisers_work_without_pytorch(make_job, convert, colour_model, algorithm):
    job = make_job(colour_model, quantization={"dtype": None, "algorithm": algorithm})
    _, result = convert(job)
    assert result["ok"] and result["evaluations"][1]["metrics"]["top1"] == 1


def test_an_operator_that_the_board_lacks_is_refused(make_job, convert, tmp_path):
    model = tmp_path / "sqrt.onnx"
    run_python(ROOT / "tests/workers/convert/make_colour_model.py", model, SIDE, "Sqrt")
    process, result = convert(make_job(model))
    assert process.returncode == 1
    assert result["kind"] == "toolchain" and "Sqrt cannot run on its NPU" in result["message"]


def test_an_input_too_large_for_the_chip_is_the_persons_error(make_job, convert, colour_model):
    _, result = convert(make_job(colour_model, input_size=[5000, 5000]))
    assert result["kind"] == "input" and "too large for Rockchip RV1106" in result["message"]


def test_a_quantisation_that_the_toolkit_refuses_is_explained(make_job, convert, colour_model):
    _, result = convert(make_job(colour_model, quantization={"dtype": "w3a3"}))
    assert result["kind"] == "toolchain" and "this quantisation cannot be had here" in result["message"]


def test_a_toolkit_that_aborts_still_leaves_a_result(make_job, convert, colour_model):
    chip = {**read_chip("rv1106"), "name": "rk2118", "target_platform": "rk2118"}
    process, result = convert(make_job(colour_model, chip=chip))
    assert process.returncode > 0
    assert result["kind"] == "toolchain" and "stopped the program" in result["message"]


def test_a_damaged_model_and_one_for_other_classes_are_refused(make_job, convert, colour_model, tmp_path):
    damaged = tmp_path / "damaged.onnx"
    damaged.write_bytes(colour_model.read_bytes()[:100])
    _, result = convert(make_job(damaged, folder="damaged"))
    assert "not a valid ONNX model" in result["message"]
    _, result = convert(make_job(colour_model, folder="classes", class_names=["a", "b"]))
    assert "data set has 2 classes" in result["message"]


def test_long_class_names_are_left_out_of_the_file_and_the_person_is_told(make_job, convert, colour_model):
    _, result = convert(make_job(colour_model, class_names=["a" * 500, "b" * 500, "c" * 500]))
    assert result["ok"] and "too long for the RKNN file" in result["notices"][0]


def test_nothing_is_written_outside_the_job_folder(make_job, colour_model, tmp_path):
    job, start, temporary = make_job(colour_model), tmp_path / "start", tmp_path / "temporary"
    start.mkdir()
    temporary.mkdir()
    done = subprocess.run(
        [convert_python(), "-m", "workers.convert", str(job)],
        cwd=start,
        env={**os.environ, "PYTHONPATH": str(ROOT), "TMPDIR": str(temporary), "HOME": str(temporary)},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr
    assert not list(start.iterdir()) and not list(temporary.iterdir())


def test_the_same_job_makes_the_same_calibration_archive(make_job, convert, colour_model):
    jobs = [make_job(colour_model, folder=name) for name in ("one", "two")]
    for job in jobs:
        convert(job)
    one, two = ((job / "artifacts" / "calibration.zip").read_bytes() for job in jobs)
    assert one == two


def test_the_events_say_how_far_the_job_is(make_job, convert, colour_model):
    job = make_job(colour_model)
    convert(job)
    events = [json.loads(line, cls=Decoder) for line in (job / "events.jsonl").read_text().splitlines()]
    done = [event["done"] for event in events if event["type"] == "progress"]
    assert done == sorted(done) and done[-1] == 100
    assert "build int8 model for rv1106" in [event.get("name") for event in events]
