"""The driver of the larger boards, with a pretended rknn-toolkit-lite2 in the conversion's environment."""

import hashlib
import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from portal.deployment.release import PROGRAMS
from tests.devices.boards import CONVERT_PYTHON, PROJECT, needs_convert_environment, picture
from workers.contract.messages import Decoder

pytestmark = needs_convert_environment
MARK = "@@SLIPWAY@@"

# Its logits are the means of the three channels as they were fed, so the answer tells their order.
RKNNLITE = """
import numpy
class RKNNLite:
    def load_rknn(self, path): print('I RKNN: loading'); return 0 if open(path, 'rb').read(2) == b'ok' else -1
    def init_runtime(self): return 0
    def inference(self, inputs):
        assert inputs[0].dtype == numpy.uint8 and inputs[0].shape == (1, 8, 16, 3), inputs[0].shape
        return [inputs[0].reshape(1, -1, 3).mean(axis=1) / 25.5]
"""
# One box of half a cell to each side, in the cell of row 1 and column 4 of the finest level.
DETECTOR = """
import numpy
class RKNNLite:
    def load_rknn(self, path): return 0
    def init_runtime(self): return 0
    def inference(self, inputs):
        assert inputs[0].shape == (1, 64, 64, 3)
        outputs = []
        for cells in (8, 4, 2, 1):
            outputs += [numpy.zeros((1, 3, cells, cells)), numpy.zeros((1, 32, cells, cells))]
        outputs[0][0, 1, 1, 4] = 0.75
        outputs[1][0, [0, 1, 8, 9, 16, 17, 24, 25]] = 30
        return outputs
"""
SAME = """
import importlib.util, json, sys
import cv2, numpy
spec = importlib.util.spec_from_file_location("drivers", sys.argv[1])
drivers = importlib.util.module_from_spec(spec)
spec.loader.exec_module(drivers)
driver = drivers.RknnLite()
driver.bgr = True
random = numpy.random.default_rng(0)
worst = 0
for height, width, size in [(8, 8, (64, 64)), (100, 73, (64, 64)), (48, 64, (22, 22)), (33, 17, (96, 31))]:
    cv2.imwrite(sys.argv[2], random.integers(0, 256, (height, width, 3), dtype=numpy.uint8))
    driver.size = size
    first, second = driver.picture(sys.argv[2])[0], driver.picture_by_pillow(sys.argv[2])[0]
    worst = max(worst, int(abs(first.astype(int) - second).max()))
print(json.dumps(worst))
"""


@pytest.fixture
def libraries(tmp_path):
    (tmp_path / "libraries" / "rknnlite").mkdir(parents=True)
    (tmp_path / "libraries" / "rknnlite" / "__init__.py").touch()
    (tmp_path / "libraries" / "rknnlite" / "api.py").write_text(RKNNLITE, "utf-8")
    return tmp_path / "libraries"


def run(libraries, folder, *arguments):
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(libraries)}
    argv = [CONVERT_PYTHON, folder / "runner.py", *arguments]
    done = subprocess.run(argv, env=environment, capture_output=True, text=True)
    return [
        json.loads(line[len(MARK) :], cls=Decoder)
        for line in done.stdout.splitlines()
        if line.startswith(MARK)
    ]


def release(folder, order, model=b"ok", **changes):
    folder.mkdir()
    for path in PROGRAMS:
        shutil.copy(PROJECT / "workers" / path, folder)
    (folder / "model.rknn").write_bytes(model)
    manifest = {
        "schema": 1,
        "task": "classification",
        "driver": "rknnlite",
        "files": {"model.rknn": {"sha256": hashlib.sha256(model).hexdigest()}},
        "input_size": [16, 8],
        "channel_order": order,
        "class_names": ["first", "second", "third"],
        "golden": [],
        **changes,
    }
    (folder / "manifest.json").write_text(json.dumps(manifest), "utf-8")
    return folder


@pytest.mark.parametrize(("order", "label"), [("rgb", "first"), ("bgr", "third")])
@pytest.mark.parametrize("decoder", ["OpenCV", "Pillow"])
def test_pixels_are_fed_in_the_order_of_the_manifest(libraries, tmp_path, order, label, decoder):
    if decoder == "Pillow":
        (libraries / "cv2.py").write_text("raise ImportError('no OpenCV on this board')\n", "utf-8")
    red = tmp_path / "红 1.png"
    red.write_bytes(picture("red"))
    messages = run(libraries, release(tmp_path / "release", order), "answer", str(red))
    assert messages[0]["label"] == label
    assert messages[0]["score"] > 0.99
    top = messages[0]["top"]
    assert top[0] == {key: messages[0][key] for key in ("label_id", "label", "score")}
    assert [one["score"] for one in top] == sorted((one["score"] for one in top), reverse=True)
    assert messages[-1]["engine"] == "rknn-toolkit-lite2 of unknown version"


def test_a_picture_that_cannot_be_read_is_told(libraries, tmp_path):
    (tmp_path / "broken.png").write_bytes(b"no picture")
    messages = run(libraries, release(tmp_path / "release", "rgb"), "answer", str(tmp_path / "broken.png"))
    assert "send it as PNG, JPEG or BMP" in messages[0]["error"]


def test_a_model_that_is_refused_says_what_to_do(libraries, tmp_path):
    messages = run(libraries, release(tmp_path / "release", "rgb", b"no"), "check")
    assert messages[-1]["code"] == "bad-model"
    assert "librknnrt.so has the version of the toolkit" in messages[-1]["message"]


def test_pillow_samples_as_opencv_does(libraries, tmp_path):
    drivers = Path(PROJECT, "workers", "board", "drivers.py")
    done = subprocess.run(
        [CONVERT_PYTHON, "-c", SAME, drivers, tmp_path / "a.png"],
        env={"PYTHONPATH": str(libraries)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1]) <= 1


def test_boxes_are_decoded_where_the_library_gives_raw_outputs(libraries, tmp_path):
    (libraries / "rknnlite" / "api.py").write_text(DETECTOR, "utf-8")
    folder = release(tmp_path / "release", "rgb", task="detection", input_size=[64, 64])
    (tmp_path / "a.png").write_bytes(picture("red", (128, 64)))
    (told, _) = run(libraries, folder, "answer", str(tmp_path / "a.png"))
    (box,) = told["boxes"]
    assert (box["label"], box["score"]) == ("second", 0.75)
    assert box["box"] == pytest.approx([64, 8, 16, 8], abs=0.01)
