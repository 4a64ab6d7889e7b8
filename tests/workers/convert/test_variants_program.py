"""Other settings of a conversion, and the error of each layer, by the real program in its own environment."""

import json

import pytest

from .conftest import run_python

pytestmark = pytest.mark.toolchain


@pytest.fixture
def layer_errors(tmp_path, convert):
    """Return a function that measures each layer's error of what a conversion's job made."""

    def run(job, **params):
        folder = tmp_path / "layer-error"
        folder.mkdir()
        inputs = {
            "onnx": str(job / "artifacts" / "build.onnx"),
            "calibration": str(job / "artifacts" / "calibration.zip"),
        }
        spec = {"schema": 1, "kind": "layer-error", "inputs": inputs, "params": params}
        (folder / "spec.json").write_text(json.dumps(spec))
        return convert(folder)[1]

    return run


def test_a_variant_is_built_as_it_was_asked_for(make_job, convert, colour_model, layer_errors):
    job = make_job(
        colour_model,
        calibration={"count": 5, "seed": 0, "choice": "farthest"},
        quantization={"algorithm": "kl_divergence", "method": "layer", "int16_layers": ["pixels"]},
    )
    result = convert(job)[1]
    assert result["ok"], result
    assert result["calibration"]["images"] == 5 and result["calibration"]["unlike"] is not None
    assert any("not proven on boards" in notice for notice in result["notices"])
    wide = {layer["type"] for layer in result["cost"]["layers"] if layer["dtype"] == "INT16"}
    assert "Conv" in wide
    described = json.loads((job / "artifacts" / "provenance.json").read_text())
    assert described["calibration_choice"] == "farthest"
    assert described["quantization"]["int16_layers"] == ["pixels"]

    found = layer_errors(job, images=2)
    assert found["ok"] and found["images"] == 2
    assert "pixels" in [layer["name"] for layer in found["layers"]]
    assert json.loads((job.parent / "layer-error" / "artifacts" / "layer_errors.json").read_text())["layers"]


def test_float_predictions_of_an_earlier_conversion_are_taken_over(make_job, convert, colour_model):
    job = make_job(colour_model)
    first = convert(job)[1]
    known = job / "artifacts" / "predictions.onnx.json"
    rows = json.loads(known.read_text())
    rows[0]["score"] = 0.125
    known.write_text(json.dumps(rows))
    spec = json.loads((job / "spec.json").read_text())
    spec["inputs"]["onnx_predictions"] = str(known)
    again = job.parent / "again"
    again.mkdir()
    (again / "spec.json").write_text(json.dumps(spec))
    assert first["ok"] and convert(again)[1]["ok"]
    assert json.loads((again / "artifacts" / "predictions.onnx.json").read_text())[0]["score"] == 0.125


def test_a_layer_that_the_model_has_not_got_is_a_mistake_of_input(make_job, convert, colour_model):
    result = convert(make_job(colour_model, quantization={"int16_layers": ["nothing"]}))[1]
    assert (result["ok"], result["kind"]) == (False, "input")
    assert "no layer nothing" in result["message"]


def test_the_farthest_images_are_one_of_each_colour_first(colours):
    code = """
import sys
from pathlib import Path
from workers.convert import farthest
folder = Path(sys.argv[1])
names = [f"images/{label}_{number:02d}.png" for label in range(3) for number in range(12)]
chosen = farthest.choose(folder, names, 3, 0)
assert {name[7] for name in chosen} == {"0", "1", "2"}, chosen
assert chosen == farthest.choose(folder, names, 3, 0)
assert sorted(farthest.choose(folder, names, 100, 0)) == sorted(names)
"""
    done = run_python("-c", code, colours)
    assert done.returncode == 0, done.stderr
