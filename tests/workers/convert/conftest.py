"""A tiny data set of plain colours, a model that tells them apart, and a way to run the program."""

import json
import os
import subprocess
from pathlib import Path

import pytest
import yaml
from PIL import Image

from tests.programs import launch
from workers.contract.messages import Decoder

ROOT = Path(__file__).resolve().parents[3]
CHIPS = ROOT / "configs" / "chips"
CLASS_NAMES = ["red", "green things", "蓝色"]
SIDE = 32


def convert_python():
    return os.environ.get("CONVERT_PYTHON", str(ROOT / "workers" / "convert" / ".venv" / "bin" / "python"))


def run_python(*arguments):
    return subprocess.run(
        [convert_python(), *map(str, arguments)], cwd=ROOT, capture_output=True, text=True, timeout=300
    )


def read_log(name):
    return (Path(__file__).parent / "data" / name).read_text(encoding="utf-8")


def read_chip(name):
    return yaml.safe_load((CHIPS / f"{name}.yaml").read_text(encoding="utf-8"))


@pytest.fixture(scope="session")
def colours(tmp_path_factory):
    """A staged data set: 12 pictures of each of three colours, of different sizes, 3 for validation."""
    folder = tmp_path_factory.mktemp("colours")
    (folder / "images").mkdir()
    lists = {"train": [], "val": []}
    for label in range(3):
        for number in range(12):
            name = f"images/{label}_{number:02d}.png"
            colour = [40 + 5 * number] * 3
            colour[label] = 180 + 5 * number
            Image.new("RGB", (20 + 3 * number, 41 - number), tuple(colour)).save(folder / name)
            lists["val" if number < 3 else "train"].append(f"{name} {label}\n")
    for split, lines in lists.items():
        (folder / f"{split}.txt").write_text("".join(lines))
    labels = "".join(f"{number} {name}\n" for number, name in enumerate(CLASS_NAMES))
    (folder / "label.txt").write_text(labels, encoding="utf-8")
    return folder


@pytest.fixture(scope="session")
def colour_model(tmp_path_factory):
    """An ONNX file whose three logits are the mean of the red, green and blue pixels."""
    path = tmp_path_factory.mktemp("model") / "model.slim.onnx"
    made = run_python(Path(__file__).parent / "make_colour_model.py", path, SIDE)
    assert made.returncode == 0, made.stderr
    return path


@pytest.fixture
def make_job(tmp_path, colours):
    """Return a function that writes a conversion job's folder with spec.json."""

    def make(model, chip="rv1106", channel_order="bgr", folder="job", **params):
        job = tmp_path / folder
        job.mkdir()
        chosen = read_chip(chip) if isinstance(chip, str) else chip
        spec = {
            "schema": 1,
            "kind": "convert",
            "inputs": {"onnx": str(model), "dataset": str(colours)},
            "params": {
                "chip": chosen,
                "channel_order": channel_order,
                "mean": [0.485, 0.456, 0.406],
                "std": [0.229, 0.224, 0.225],
                "input_size": [SIDE, SIDE],
                "class_names": CLASS_NAMES,
                "calibration": {"count": 15, "seed": 0},
                "quantization": {"dtype": None, "algorithm": "normal"},
                "provenance": {"run": "7", "recipe": "colour means"},
                **params,
            },
        }
        (job / "spec.json").write_text(json.dumps(spec), encoding="utf-8")
        return job

    return make


@pytest.fixture
def convert():
    """Return a function that runs the real program as the portal does and returns (process, result)."""

    def run(job):
        process = launch([convert_python(), "-m", "workers.convert"], job)
        process.wait(300)
        result = job / "result.json"
        return process, json.loads(
            result.read_text(encoding="utf-8"), cls=Decoder
        ) if result.is_file() else None

    return run
