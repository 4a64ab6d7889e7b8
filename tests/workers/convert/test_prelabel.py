"""A model predicts images that have no labels."""

import json

import pytest
from PIL import Image

from tests.workers.convert.conftest import CLASS_NAMES, SIDE, run_python
from workers.convert.tasks import TASKS

pytestmark = pytest.mark.toolchain


@pytest.fixture
def prelabel(tmp_path, colour_model):
    """Run the program on pictures of these colours; return the folder and its result."""

    def run(colours, class_names=CLASS_NAMES):
        folder, pictures = tmp_path / "job", tmp_path / "pictures"
        folder.mkdir()
        pictures.mkdir()
        images = []
        for number, colour in enumerate(colours):
            Image.new("RGB", (20 + number, 11), colour).save(pictures / f"{number}.png")
            images.append([f"{number}.png", 20 + number, 11])
        params = {
            "task": "classification", "class_names": class_names, "mean": [0.5] * 3, "std": [0.25] * 3,
            "input_size": [SIDE, SIDE], "images": images,
        }  # fmt: skip
        inputs = {"onnx": str(colour_model), "images": str(pictures)}
        spec = {"schema": 1, "kind": "prelabel", "inputs": inputs, "params": params}
        (folder / "spec.json").write_text(json.dumps(spec))
        run_python("-m", "workers.convert.prelabel", folder)
        return folder, json.loads((folder / "result.json").read_text())

    return run


def test_each_image_is_predicted_and_none_has_a_truth(prelabel):
    folder, result = prelabel([(9, 200, 9), (200, 9, 9), (9, 9, 200)])
    assert result["ok"] and result["images"] == 3
    rows = json.loads((folder / "artifacts" / "proposals.json").read_text())
    assert [row["predicted"] for row in rows] == [1, 0, 2]
    assert {row["label"] for row in rows} == {None} and rows[0]["image"] == "0.png"


def test_a_model_of_other_classes_is_refused(prelabel):
    _folder, result = prelabel([(9, 200, 9)], ["red", "blue"])
    assert not result["ok"] and result["kind"] == "toolchain"


def test_of_a_picture_for_a_detector_its_size_is_known():
    sample = TASKS["detection"].without_truth("a.png", 64, 48)
    assert sample.truth == {"image": "a.png", "width": 64, "height": 48, "truth": []}
